import { describe, expect, it } from 'vitest';
import { strength } from '../../src/lib/password';
import { changed, check, differences, formOf, merged, officeEdit, settingsEdit, type Form } from '../../src/settings/form';
import { checkRelay, newRelay, portFor, relayEdit, relayForm, usesKept } from '../../src/settings/relay';

const office = { id: 3, name: 'North', parent: 1, security: 'on' as const, allowed_sender_domains: ['example.com'], version: 2 };
const kept = {
  host: 'smtp.example.com', port: 587, tls: 'required', auth: 'plain', user: 'office', has_secret: true, token: null, trust: 'system', certificate: null,
  sender_domains: ['example.com'], connections: 10, messages_per_connection: 100, per_minute: null, per_hour: null,
};
const settings = { office: 3, version: 4, time_zone: 'Europe/Berlin', send_locally: false, retention_days: 365, content_days: null, set_in_configuration: false, moving: false, relays: [kept] };
const form = (): Form => formOf(office, settings);

describe('a kept secret', () => {
  it('is left out of what is sent, and is not asked for', () => {
    expect(relayEdit(relayForm(kept))).not.toHaveProperty('secret');
    expect(checkRelay(relayForm(kept), 'relays[0]')).toEqual({});
  });
  it('has to be entered anew for another server, for it is not sent there', () => {
    const moved = { ...relayForm(kept), host: 'smtp.example.net' };
    expect(usesKept(moved, 'secret')).toBe(false);
    expect(checkRelay(moved, 'relays[0]')['relays[0].secret']).toContain('does not go to this server');
    expect(relayEdit({ ...moved, secret: { ...moved.secret, text: 'new' } }).secret).toBe('new');
  });
  it('has to be entered anew where TLS is weaker or trusts another certificate, as the server asks', () => {
    const pinned = { ...kept, trust: 'pinned', certificate: 'PEM' };
    for (const weaker of [
      { ...relayForm(kept), tls: 'none' as const },
      { ...relayForm(kept), tls: 'opportunistic' as const },
      { ...relayForm(kept), trust: 'authority' as const, certificate: 'PEM' },
      { ...relayForm(pinned), certificate: 'OTHER' },
    ]) {
      expect(usesKept(weaker, 'secret')).toBe(false);
    }
    const stronger = { ...relayForm({ ...kept, tls: 'opportunistic' }), trust: 'pinned' as const, tls: 'required' as const, certificate: 'PEM' };
    for (const same of [relayForm(pinned), { ...relayForm(pinned), trust: 'system' as const }, { ...relayForm(kept), tls: 'implicit' as const }, stronger]) {
      expect(usesKept(same, 'secret')).toBe(true);
    }
  });
  it('is taken away where nobody signs in any more', () => {
    expect(relayEdit({ ...relayForm(kept), auth: 'none' })).toMatchObject({ secret: null, user: '' });
  });
});

it('what is typed comes back as the API takes it', () => {
  const edit = relayEdit({ ...newRelay(), host: ' smtp.example.com ', auth: 'none', senderDomains: 'example.com, example.org', perMinute: '30' });
  expect(edit).toMatchObject({ host: 'smtp.example.com', port: 587, sender_domains: ['example.com', 'example.org'], per_minute: 30, per_hour: null, token: null });
});

it('a certificate is looked at only where the policy checks it', () => {
  const pinned = { ...relayForm(kept), trust: 'pinned' as const, certificate: 'PEM' };
  expect(relayEdit(pinned)).toMatchObject({ trust: 'pinned', certificate: 'PEM' });
  expect(relayEdit({ ...pinned, tls: 'none' })).toMatchObject({ trust: 'system', certificate: null });
});

it('the port follows the policy unless it is a port of its own', () => {
  expect([portFor('implicit', '587'), portFor('required', '465'), portFor('implicit', '2465')]).toEqual(['465', '587', '2465']);
});

describe('what changed', () => {
  it('is named, and only that is sent', () => {
    const mine = { ...form(), name: 'North Office', retentionDays: '30' };
    expect(changed(mine, form())).toEqual(['Name', 'Retention']);
    expect(officeEdit(mine, form())).toEqual({ name: 'North Office' });
    expect(officeEdit(form(), form())).toBeNull();
    const elsewhere = { ...form(), allowedDomains: 'example.com, example.org' };
    expect(changed(elsewhere, form())).toEqual(['Allowed sender domains']);
    expect(officeEdit(elsewhere, form())).toEqual({ allowed_sender_domains: ['example.com', 'example.org'] });
    expect(officeEdit({ ...form(), allowedDomains: ' ' }, form())).toEqual({ allowed_sender_domains: [] });
  });
  it('keeps what was typed for an own server while the server’s is chosen, and does not send it', () => {
    const mine = { ...form(), own: false };
    expect(settingsEdit(mine).relays).toEqual([]);
    expect(mine.relays).toHaveLength(1);
  });
  it('names what cannot be saved', () => {
    expect(Object.keys(check({ ...form(), name: ' ', contentDays: '0' }))).toEqual(['name', 'content_days']);
  });
});

describe('two people at once', () => {
  const theirs = { ...form(), timeZone: 'Europe/Paris', retentionDays: '100' };
  const mine = { ...form(), retentionDays: '30', name: 'North Office' };
  it('what they changed is shown beside mine', () => {
    expect(differences(mine, form(), theirs)).toEqual([
      { what: 'Time zone', theirs: 'Europe/Paris', mine: 'Europe/Berlin', both: false },
      { what: 'Keep records', theirs: '100 days', mine: '30 days', both: true },
    ]);
  });
  it('mine on top of theirs keeps both, and mine where both changed the same', () => {
    expect(merged(mine, form(), theirs)).toMatchObject({ name: 'North Office', timeZone: 'Europe/Paris', retentionDays: '30' });
  });
});

it('a password is judged in words', () => {
  const levels = ['short', 'aaaaaaaaaaaa', 'caseclerk2026', 'password12', 'kx7Qm2vLr9', 'correct horse battery staple'].map((password) => strength(password, ['Case Clerk', 'case']).level);
  expect(levels).toEqual([0, 1, 1, 1, 3, 4]);
  expect(strength('caseclerk2026', ['Case Clerk']).words).toContain('“case”');
});
