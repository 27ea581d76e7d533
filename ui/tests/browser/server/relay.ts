/**
 * A relay that the tests direct: it accepts, refuses by the recipient's first letters, and can keep the answer to a
 * message back, so that a test sees what lies between.
 */
import { createServer, type Server, type Socket } from 'node:net';

/** A message as the relay took it. */
export type Taken = { to: string[]; text: string };

/** Messages that are kept for a test to read; older ones go. */
const KEPT = 400;

export class Relay {
  port = 0;
  /** What was accepted, oldest first. */
  readonly taken: Taken[] = [];
  /** While true, recipients called `fail…` and `defer…` are accepted like all others. */
  kind = false;
  /** Where it is set, nobody sends who has not signed in with it. */
  password: string | null = null;
  #server: Server;
  #sockets = new Set<Socket>();
  #kept: (() => void)[] | null = null;

  constructor() {
    this.#server = createServer((socket) => this.#talk(socket));
  }

  async listen(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(this.port, '127.0.0.1', done));
    const address = this.#server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    return this;
  }

  /** From now on messages are read but not answered. */
  hold(): void {
    this.#kept ??= [];
  }

  /** Answers what was kept back, and everything from now on. */
  release(): void {
    const kept = this.#kept ?? [];
    this.#kept = null;
    for (const answer of kept) answer();
  }

  /** The newest message to an address whose text, decoded, matches. */
  found(address: string, words: RegExp): string | null {
    const all = this.taken.filter((one) => one.to.includes(address)).map((one) => decoded(one.text));
    return all.findLast((text) => words.test(text)) ?? null;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #talk(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    let buffer = '';
    let reading = false;
    let signedIn = false;
    let accepted: string[] = [];
    let lines: string[] = [];
    say('220 relay.example.test ESMTP');
    socket.on('data', (chunk: string) => {
      buffer += chunk;
      for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (reading) {
          if (line !== '.') {
            lines.push(line);
            continue;
          }
          reading = false;
          if (accepted.length > 0) this.taken.push({ to: accepted, text: lines.join('\r\n') });
          if (this.taken.length > KEPT) this.taken.shift();
          lines = [];
          const answer = (): void => say(accepted.length > 0 ? '250 2.0.0 Ok: queued as 4XhV2k1' : '554 5.5.1 No valid recipients');
          if (this.#kept) this.#kept.push(answer);
          else answer();
          continue;
        }
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'EHLO') say(`250-relay.example.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n${this.password === null ? '' : '250-AUTH PLAIN\r\n'}250 ENHANCEDSTATUSCODES`);
        else if (verb === 'AUTH') {
          signedIn = atob(line.split(' ')[2] ?? '').split('\0')[2] === this.password;
          say(signedIn ? '235 2.7.0 Welcome' : '535 5.7.8 Authentication credentials invalid');
        } else if (verb === 'MAIL' && this.password !== null && !signedIn) say('530 5.7.0 Authentication required');
        else if (verb === 'MAIL') {
          accepted = [];
          say('250 2.1.0 Ok');
        } else if (verb === 'RCPT') {
          const reply = this.#judge(line);
          if (reply.startsWith('250')) accepted.push(/<([^>]*)>/.exec(line)?.[1]?.toLowerCase() ?? '');
          say(reply);
        } else if (verb === 'DATA') {
          reading = true;
          say('354 Go ahead');
        } else if (verb === 'QUIT') {
          say('221 2.0.0 Bye');
          socket.end();
        } else say('250 2.0.0 Ok');
      }
    });
  }

  #judge(line: string): string {
    const address = /<([^>]*)>/.exec(line)?.[1]?.toLowerCase() ?? '';
    if (!this.kind && address.startsWith('fail')) return '550 5.1.1 No such mailbox <img src=x onerror="document.title=1">';
    if (!this.kind && address.startsWith('defer')) return '451 4.3.0 Mailbox busy, try again later';
    return '250 2.1.5 Ok';
  }
}

/** A message's text with quoted-printable undone, as far as links and words need it. */
function decoded(text: string): string {
  return text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}
