/** The mock's event streams. */
import type { ServerResponse } from 'node:http';
import type { Box, Query } from './box.ts';

type Stream = { res: ServerResponse; login: string; query: Query; visible: Set<string>; fresh: number };

export class Streams {
  #open = new Set<Stream>();
  #box: Box;

  constructor(box: Box) {
    this.#box = box;
  }

  get size(): number {
    return this.#open.size;
  }

  add(res: ServerResponse, login: string, query: Query, visible: string[], alerts: unknown): void {
    const stream = { res, login, query, visible: new Set(visible), fresh: 0 };
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    res.write(': hello\n\n');
    this.#open.add(stream);
    // The rows in view as they are now: what changed while the stream was opened is not missed.
    const rows = visible.flatMap((id) => this.#box.find(id) ?? []);
    if (rows.length > 0) send(stream, 'rows', { rows });
    send(stream, 'alerts', alerts);
    res.on('close', () => this.#open.delete(stream));
  }

  changed(ids: string[]): void {
    for (const stream of this.#open) {
      const rows = ids.filter((id) => stream.visible.has(id)).map((id) => this.#box.find(id) ?? { id, deleted: true });
      if (rows.length > 0) send(stream, 'rows', { rows });
      send(stream, 'counts', this.#box.counts(stream.query));
    }
  }

  arrived(n: number): void {
    for (const stream of this.#open) {
      stream.fresh += n;
      send(stream, 'new', { n: stream.fresh });
      send(stream, 'counts', this.#box.counts(stream.query));
    }
  }

  status(status: unknown): void {
    for (const stream of this.#open) send(stream, 'status', status);
  }

  /** Tells one person alone, in each of their windows. */
  tell(login: string, event: string, data: unknown): void {
    for (const stream of this.#open) if (stream.login === login) send(stream, event, data);
  }

  cut(): void {
    for (const stream of this.#open) stream.res.destroy();
    this.#open.clear();
  }
}

function send(stream: Stream, event: string, data: unknown): void {
  stream.res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
