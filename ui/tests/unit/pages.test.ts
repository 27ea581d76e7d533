import { describe, expect, it } from 'vitest';
import { GROUPS, navigation, pageOf, PAGES, permits, type PageEntry } from '../../src/shell/pages';

const load = async () => ({ default: (() => ({})) as never });
const pages: PageEntry[] = [
  { id: 'list', path: '/queue', title: 'List', nav: { group: 'utilities', icon: 'tray' }, load },
  { id: 'one', path: '/queue/:id', title: 'One', under: 'list', load },
  { id: 'people', path: '/people', title: 'People', nav: { group: 'office', icon: 'people' }, may: (who) => who.rights.includes('administrator'), load },
];
const person = (...rights: string[]) => ({ id: 3, login: 'case', name: 'Case Clerk', email: '', office: { id: 1, name: 'Office' }, rights }) as never;

describe('the page of an address', () => {
  it('is found with the parts that belong to it', () => {
    expect(pageOf('/queue/01k2', pages)).toMatchObject({ entry: { id: 'one' }, params: { id: '01k2' } });
  });
  it('is the queue for the bare address and with a slash too many', () => {
    expect(pageOf('/', pages)?.entry.id).toBe('list');
    expect(pageOf('/queue/', pages)?.entry.id).toBe('list');
  });
  it('is the same page for its further addresses', () => {
    const tabbed: PageEntry[] = [{ id: 'people', path: '/people', also: ['/people/:tab', '/people/:tab/:id'], title: 'People', load }];
    expect(pageOf('/people', tabbed)).toMatchObject({ entry: { id: 'people' }, params: {} });
    expect(pageOf('/people/users/3', tabbed)).toMatchObject({ entry: { id: 'people' }, params: { tab: 'users', id: '3' } });
    expect(pageOf('/people/users/3/x', tabbed)).toBeNull();
  });
  it('is none for anything else', () => {
    expect(pageOf('/queue/a/b', pages)).toBeNull();
    expect(pageOf('/moon', pages)).toBeNull();
  });
  it('takes an address that is no text as it stands', () => {
    expect(pageOf('/queue/%E0%A4%A', pages)?.params).toEqual({ id: '%E0%A4%A' });
  });
});

describe('the navigation', () => {
  it('shows what a person may open, and no empty groups', () => {
    expect(navigation(person(), pages).map((group) => group.id)).toEqual(['utilities']);
    expect(navigation(person('administrator'), pages).map((group) => group.id)).toEqual(['utilities', 'office']);
  });
  it('leaves out pages that stand behind others', () => {
    expect(navigation(person(), pages)[0]?.pages.map((page) => page.id)).toEqual(['list']);
  });
});

it('a page without a rule is for everybody', () => {
  expect(permits(pages[0] as PageEntry, person())).toBe(true);
  expect(permits(pages[2] as PageEntry, person())).toBe(false);
});

describe('the pages that are registered', () => {
  it('have ids and addresses of their own and stand in groups that exist', () => {
    expect(new Set(PAGES.map((page) => page.id)).size).toBe(PAGES.length);
    expect(new Set(PAGES.map((page) => page.path)).size).toBe(PAGES.length);
    for (const page of PAGES) {
      if (page.nav) expect(GROUPS.map((group) => group.id)).toContain(page.nav.group);
      if (page.under) expect(PAGES.map((one) => one.id)).toContain(page.under);
    }
  });
});
