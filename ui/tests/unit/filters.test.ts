import { describe, expect, it } from 'vitest';
import { foldedCount, narrowed, readFilters, sources, toAddress, toQuery, TYPES } from '../../src/queue/filters';

describe('the address bar', () => {
  it('says nothing while nothing is narrowed', () => {
    expect(toAddress(readFilters(''))).toBe('/queue');
  });

  it('gives back the filters that were written into it', () => {
    const filters = { type: 'failed', source: 'mine_sent', q: 'policy & claim' } as const;
    const address = toAddress(filters);
    expect(readFilters(address.slice(address.indexOf('?')))).toEqual(filters);
  });

  it('ignores words that are no filter', () => {
    expect(readFilters('?type=burnt&source=moon&q=%20')).toEqual({ type: 'all', source: 'all', q: '' });
  });
});

it('asks the server for no more than what is set', () => {
  expect(toQuery({ type: 'sent', source: 'all', q: '' })).toEqual({ type: 'sent' });
});

it('offers the Types in the words of the page', () => {
  expect(TYPES.map((one) => one.label)).toEqual(['All', 'Failed', 'Outbox', 'Sent']);
});

it('offers notifications to administrators alone, under the brand', () => {
  expect(sources('Acme', true).map((one) => one.label)).toEqual(['All', 'E-mail I Sent', 'Acme Notifications']);
  expect(sources('Acme', false).map((one) => one.label)).toEqual(['All', 'E-mail I Sent']);
});

it('a state that the Type cannot have is no filter', () => {
  expect(readFilters('?type=outbox&state=held')).toMatchObject({ state: 'held' });
  expect(readFilters('?type=sent&state=held')).not.toHaveProperty('state');
  expect(toQuery(readFilters('?type=outbox&state=held'))).toEqual({ type: 'outbox', state: 'held' });
});

describe('the further filters', () => {
  it('stand in the address and come back from it', () => {
    const address = '/queue?type=failed&sender=7&office=2&kind=direct&from=2026-11-01&to=2026-11-23&mine=true&sort=subject&order=ascending';
    const filters = readFilters(address.slice(6));
    expect(filters).toEqual({ type: 'failed', source: 'all', q: '', sender: 7, office: 2, kind: 'direct', from: '2026-11-01', to: '2026-11-23', mine: true, sort: 'subject', order: 'ascending' });
    expect(toAddress(filters)).toBe(address);
    expect(foldedCount(filters)).toBe(5);
  });
  it('are dropped where they are none', () => {
    expect(readFilters('?sender=x&kind=moon&from=2026-13-99&sort=body&mine=1')).toEqual({ type: 'all', source: 'all', q: '' });
  });
  it('do not count an order as narrowing', () => {
    expect(narrowed(readFilters('?sort=subject'))).toBe(false);
    expect(toQuery(readFilters('?sort=date&order=descending'))).toEqual({});
  });
});
