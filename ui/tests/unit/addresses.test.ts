import { describe, expect, it } from 'vitest';
import { added, doubt, fault, namesSeveral, parseMailboxes, written } from '../../src/compose/addresses';

const addresses = (text: string): string[] => parseMailboxes(text).map((one) => one.address);

describe('what is pasted is taken apart', () => {
  it('at commas, semicolons, tabs and lines', () => {
    expect(addresses('a@x.example, b@x.example; c@x.example\nd@x.example\te@x.example')).toHaveLength(5);
    expect(addresses('a@x.example b@x.example')).toEqual(['a@x.example', 'b@x.example']);
  });
  it('with names, quoted or not', () => {
    expect(parseMailboxes('Claims Clerk <claims@x.example>')).toEqual([{ name: 'Claims Clerk', address: 'claims@x.example' }]);
    expect(parseMailboxes('"Clerk, Claims" <claims@x.example>, <b@x.example>')).toEqual([
      { name: 'Clerk, Claims', address: 'claims@x.example' },
      { name: '', address: 'b@x.example' },
    ]);
  });
  it('as mail programs copy it, family name first', () => {
    expect(parseMailboxes('Clerk, Claims <claims@x.example>; Desk, Front <as@x.example>')).toEqual([
      { name: 'Clerk, Claims', address: 'claims@x.example' },
      { name: 'Desk, Front', address: 'as@x.example' },
    ]);
  });
  it('and keeps what is no address, to be seen and mended', () => {
    expect(addresses('clerk, b@x.example')).toEqual(['clerk', 'b@x.example']);
    expect(addresses('  ,; \n')).toEqual([]);
  });
  it('without what clings to it', () => {
    expect(addresses('mailto:a@x.example')).toEqual(['a@x.example']);
    expect(addresses('<a@x.example>;')).toEqual(['a@x.example']);
  });
  it('a header cannot be smuggled in by a name', () => {
    const [one] = parseMailboxes('"Claims\u0000\u0007 X" <a@x.example>');
    expect(written(one ?? { name: '', address: '' })).toBe('Claims  X <a@x.example>');
  });
  it('knows one from many', () => {
    expect(namesSeveral('Clerk, Claims <claims@x.example>')).toBe(false);
    expect(namesSeveral('a@x.example, b@x.example')).toBe(true);
  });
});

it.each([
  ['clerk', 'has no @ sign'],
  ['@x.example', 'has nothing before the @ sign'],
  ['claims@', 'has nothing after the @ sign'],
  ['claims@@x.example', 'has two @ signs'],
  ['an na@x.example', 'has a space in it'],
  ['clerk.@x.example', 'has a dot too many before the @ sign'],
  ['an(na@x.example', 'has a character before the @ sign that no address has'],
  ['claims@x..example', 'has a dot too many after the @ sign'],
  ['claims@x_y.example', 'has a character after the @ sign that no address has'],
  ['claims@-x.example', 'has a hyphen in the wrong place after the @ sign'],
  [`${'a'.repeat(65)}@x.example`, 'is too long before the @ sign'],
])('%s %s', (address, words) => {
  expect(fault(address)).toBe(words);
});

it.each(['claims@x.example', "o'neil+case@mail.x.example", 'grüße@bücher.example', '"two words"@x.example'.replace(' ', '_'), 'a@[192.0.2.1]'])('%s can be sent to', (address) => {
  expect(fault(address)).toBeNull();
});

it('wonders at a domain without an ending', () => {
  expect(doubt('claims@northwind')).toMatch('northwind');
  expect(doubt('claims@northwind.example')).toBeNull();
});

it('writes names so that they are read again alike', () => {
  for (const name of ['Claims Clerk', 'Clerk, Claims', 'A "B" \\ C', 'Grüße']) {
    expect(parseMailboxes(written({ name, address: 'a@x.example' }))).toEqual([{ name, address: 'a@x.example' }]);
  }
});

it('adds nobody twice', () => {
  expect(added([{ name: '', address: 'A@x.example' }], [{ name: 'A', address: 'a@X.example' }])).toHaveLength(1);
});
