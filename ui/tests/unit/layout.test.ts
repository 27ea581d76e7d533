import { describe, expect, it } from 'vitest';
import { clampWidth, COLUMNS, leastWidth, moved, template, type Shown } from '../../src/queue/columns';
import { readLayout } from '../../src/queue/layout.svelte';
import { offered } from '../../src/queue/Pager.svelte';

const shown = (...ids: Shown['id'][]): Shown[] => ids.map((id) => ({ id, width: null }));
const sort = { column: 'subject', order: 'ascending' } as const;

describe('a layout as it came', () => {
  it('keeps order, widths and sort, and leaves out what is unknown or said twice', () => {
    const columns = ['subject', 'moon', 'to', 'subject'].map((column) => ({ column, width_px: 333 }));
    expect(readLayout({ columns, sort, source: 'own' })).toEqual({
      columns: [{ id: 'subject', width: 333 }, { id: 'to', width: 333 }],
      sort: 'subject',
      order: 'ascending',
    });
  });
  it('lets columns of their usual width share the room', () => {
    const columns = [{ column: 'subject', width_px: COLUMNS.subject.width }];
    expect(readLayout({ columns, sort, source: 'office' }).columns).toEqual(shown('subject'));
  });
  it('is this page’s own where nobody chose one', () => {
    expect(readLayout({ columns: [{ column: 'bcc', width_px: 100 }], sort, source: 'default' }).columns[0]?.id).toBe('status');
  });
});

it('a column is moved among the others and never out of them', () => {
  const columns = shown('to', 'subject', 'date');
  expect(moved(columns, 0, 2).map((one) => one.id)).toEqual(['subject', 'date', 'to']);
  expect(moved(columns, 2, -5).map((one) => one.id)).toEqual(['date', 'to', 'subject']);
  expect(moved(columns, 9, 0)).toEqual(columns);
});

it('a width stays between what can be read and what fits', () => {
  expect([clampWidth('date', 3), clampWidth('date', 5_000), clampWidth('date', 120.4)]).toEqual([COLUMNS.date.least, 800, 120]);
});

it('what nobody widened shares the room; a fixed list leaves it behind the last column', () => {
  expect(template(shown('subject', 'date'))).toBe(`44px minmax(${COLUMNS.subject.width}px, 2fr) ${COLUMNS.date.width}px`);
  expect(template([{ id: 'subject', width: 200 }])).toBe('44px 200px 1fr');
  expect(leastWidth([{ id: 'subject', width: 200 }])).toBe(44 + 200 + 16);
});

it('the pages offered are the ends and those around', () => {
  expect(offered(0, 1)).toEqual([0]);
  expect(offered(5, 20)).toEqual([0, null, 4, 5, 6, null, 19]);
  expect(offered(2, 5)).toEqual([0, 1, 2, 3, 4]);
});
