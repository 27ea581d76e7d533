import { describe, expect, it } from 'vitest';
import { tell } from '../../src/queue/actions';

describe('the report of an action', () => {
  it('is one sentence where everything went well', () => {
    const report = { done: 3, skipped: 0, refused: 0, items: [] };
    expect(tell('requeue', report)).toEqual({ text: '3 messages back in the Outbox.', details: [], good: true });
  });

  it('names each reason once, with how many it kept back', () => {
    const left = { outcome: 'skipped' as const, reason: 'it is being sent right now', new_id: null };
    const report = { done: 1, skipped: 2, refused: 1, items: [
      { id: 'a', outcome: 'done' as const, reason: null, new_id: null },
      { id: 'b', ...left },
      { id: 'c', ...left },
      { id: 'd', outcome: 'refused' as const, reason: 'you may only look', new_id: null },
    ] };
    const told = tell('delete', report);
    expect(told.text).toBe('1 message deleted · 2 skipped · 1 refused.');
    expect(told.details).toEqual(['2: it is being sent right now', '1: you may only look']);
    expect(told.good).toBe(false);
  });
});
