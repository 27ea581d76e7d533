import { describe, expect, it } from 'vitest';
import { readFilters, sources, toAddress, toQuery, TYPES } from '../../src/queue/filters';

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
