/** The mock's message detail, attempts and bodies. */
import type { components } from '../../src/lib/api/schema';
import type { Row } from './data.ts';

type Detail = components['schemas']['Detail'];
type Attempt = components['schemas']['Attempt'];

export function detailOf(row: Row): Detail {
  const addresses = [
    ...row.to.split(', ').map((address) => ({ address, role: 'to' as const })),
    ...(row.cc ? [{ address: row.cc, role: 'cc' as const }] : []),
    ...(row.bcc ? [{ address: row.bcc, role: 'bcc' as const }] : []),
  ];
  return {
    ...row,
    message_id: `<${row.id}@office.example.com>`,
    headers: [
      { name: 'From', value: `${row.sender?.name} <${row.from}>` },
      { name: 'To', value: row.to },
      ...(row.cc ? [{ name: 'Cc', value: row.cc }] : []),
      { name: 'Subject', value: row.subject },
      { name: 'Date', value: new Date(row.date).toUTCString() },
      { name: 'Message-ID', value: `<${row.id}@office.example.com>` },
      { name: 'MIME-Version', value: '1.0' },
      { name: 'Content-Type', value: `${row.mime_type}; charset=utf-8` },
    ],
    recipients_detail: addresses.map((recipient, i) => ({
      ...recipient,
      state: row.state === 'sent' || (i > 0 && row.state === 'failed') ? 'sent' : row.state === 'failed' ? 'failed' : 'pending',
      code: row.state === 'sent' || (i > 0 && row.state === 'failed') ? 250 : row.code ? Number.parseInt(row.code, 10) : null,
      enhanced: row.state === 'sent' || (i > 0 && row.state === 'failed') ? '2.0.0' : (row.code?.split(' ')[1] ?? null),
      text: row.state === 'sent' || (i > 0 && row.state === 'failed') ? 'Ok: queued as 4XhV2k1' : (words(row.error) ?? null),
      meaning: row.state === 'failed' && i === 0 ? (MEANINGS[row.code ?? ''] ?? null) : null,
      at: row.sent_on ?? (row.attempts > 0 ? row.date : null),
    })),
    attachments: row.size_bytes > 40_000 ? [{ index: 0, filename: 'Renewal 2027.pdf', content_type: 'application/pdf', size_bytes: 182_344 }] : [],
    parts: row.mime_type === 'text/html' ? ['text', 'html'] : ['text'],
    actions: ACTIONS[row.state] as Detail['actions'],
    submitted_by: row.sender?.name ?? null,
    metadata: null,
    links: { resent_from: null, resent_as: [] },
    damaged: null,
    not_readable: null,
  };
}

const MEANINGS: Record<string, string> = {
  '451 4.3.0': 'The mail server has a fault of its own.',
  '550 5.1.1': 'There is no mailbox of this name.',
  '421 4.7.0': 'The mail server’s security rules refuse it.',
  '552 5.2.2': 'The recipient’s mailbox is full.',
};

const ACTIONS: Record<Row['state'], string[]> = {
  queued: ['hold', 'delete'],
  scheduled: ['hold', 'release', 'delete'],
  held: ['release', 'delete'],
  sending: [],
  deferred: ['requeue', 'hold', 'delete'],
  sent: ['resend', 'delete'],
  failed: ['requeue', 'delete'],
};

type Explanation = components['schemas']['Explanation'];

export function explainOf(row: Row): Explanation {
  return { mend: null, ...told(row) };
}

/** `mend` stands where the SMTP settings are to blame. */
function told(row: Row): Omit<Explanation, 'mend'> & Partial<Explanation> {
  switch (row.state) {
    case 'failed':
      if (row.code === '421 4.7.0') return { sentence: 'It was given up after 10 attempts.', evidence: [`the last answer was: ${row.error}`], advice: 'Check host, port, TLS and sign-in in the SMTP settings; Test connection names the step that fails.', next: 'Nothing by itself: fix the cause and send it again with Resend Failed E-mail.', next_at: null, mend: { place: 'office_settings', office: 1 } };
      return { sentence: 'It was tried ten times and refused each time, so it is not tried again.', evidence: [`The relay said: ${row.error}`, 'The last try was attempt 10 of 10.'], advice: 'Check the part of the address before the @.', next: 'Nothing by itself: fix the cause and send it again with Resend Failed E-mail.', next_at: null };
    case 'deferred':
      return { sentence: 'The relay put it off; it is tried again by itself.', evidence: [`The relay said: ${row.error}`, `Tried ${row.attempts} of 10 times.`], advice: null, next: 'It is tried again.', next_at: row.next_attempt_at };
    case 'held':
      return { sentence: 'It is over the daily limit of its sender.', evidence: ['2,000 of 2,000 e-mails were sent today.'], advice: null, next: 'It is released when the new day begins.', next_at: row.held_until };
    case 'scheduled':
      return { sentence: 'It is to be sent later.', evidence: [], advice: null, next: 'It goes out at its time.', next_at: row.send_at };
    case 'sent':
      return { sentence: 'It has gone: the relay accepted it.', evidence: [], advice: null, next: 'Nothing more.', next_at: null };
    default:
      return { sentence: 'It waits for its turn: 412 e-mails of the same sender were handed in before it.', evidence: ['The relay office is up.'], advice: null, next: 'It is sent within a minute.', next_at: null };
  }
}

/** An error without its codes, as attempts and recipients carry it. */
const words = (error: string | null): string | undefined => error?.replace(/^\d{3} \d\.\d\.\d /, '');

export function attemptsOf(row: Row): Attempt[] {
  const waits = [0, 1, 6, 21, 51, 111, 231, 471, 831, 1311];
  return Array.from({ length: row.attempts }, (_, i) => {
    const last = i === row.attempts - 1;
    const sent = last && row.state === 'sent';
    const outcome = sent ? 'sent' : last && row.state === 'failed' ? 'failed' : 'deferred';
    return {
      number: i + 1,
      cycle: 0,
      started_at: new Date(Date.parse(row.date) + (waits[i] ?? 0) * 60_000).toISOString(),
      duration_ms: 80 + ((i * 331) % 4000),
      relay: 'smtp.office.example.com',
      tls: 'TLSv1.3',
      outcome,
      code: sent ? '250 2.0.0' : (row.code ?? '451'),
      text: sent ? 'Ok: queued as 4XhV2k1' : (words(row.error) ?? 'Try again later'),
      meaning: sent ? null : (MEANINGS[row.code ?? ''] ?? null),
      recipients: [],
    };
  });
}

/** A body's page. Pictures from elsewhere are taken out of it, as the server does, unless `remote` asks for them. */
export function bodyOf(row: Row, part: string, remote = false): { type: string; text: string } {
  const paragraphs = [row.body, 'With kind regards,', row.sender?.name ?? ''];
  if (part === 'source') {
    const head = detailOf(row).headers.map((h) => `${h.name}: ${h.value}`).join('\r\n');
    return { type: 'text/plain', text: `${head}\r\n\r\n${paragraphs.join('\r\n\r\n')}\r\n` };
  }
  if (part === 'text') return { type: 'text/plain', text: paragraphs.join('\n\n') };
  // The script is here on purpose: the page must keep it dead whatever the server lets through.
  const html = `<!doctype html><meta charset="utf-8"><body style="font:15px/1.6 Georgia,serif;margin:24px;max-width:60ch">
<h2 style="color:#1d4f91">${row.subject}</h2>${paragraphs.map((p) => `<p>${p}</p>`).join('')}
${remote ? '<p><img src="https://pictures.example.net/logo.png" alt="Logo" width="120" height="40"></p>' : '<p><img alt="Logo"></p>'}
<script>parent.document.title='escaped';document.body.dataset.ran='yes'</script></body>`;
  return { type: 'text/html', text: html };
}
