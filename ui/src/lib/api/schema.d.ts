/**
 * The API's types as docs/api.md tells them, in the shape that openapi-typescript writes.
 * Replaced by `npm run schema` once the server's openapi.json is in the repository.
 */

type Json<T> = { content: { 'application/json': T } };
type Problems = { default: { content: { 'application/problem+json': components['schemas']['Problem'] } } };
type NoParams = { query?: never; header?: never; path?: never; cookie?: never };
type ById = { query?: never; header?: never; path: { id: string }; cookie?: never };
type ListParams = { query?: components['parameters']['List']; header?: never; path?: never; cookie?: never };

export interface paths {
  '/api/v1/session': {
    get: { parameters: NoParams; responses: { 200: Json<components['schemas']['Session']> } & Problems };
    post: {
      parameters: NoParams;
      requestBody: Json<{ login: string; password: string }>;
      responses: { 200: Json<components['schemas']['Session']> } & Problems;
    };
    delete: { parameters: NoParams; responses: { 204: { content?: never } } & Problems };
  };
  '/api/v1/messages': {
    get: { parameters: ListParams; responses: { 200: Json<components['schemas']['Page']> } & Problems };
  };
  '/api/v1/messages/counts': {
    get: { parameters: ListParams; responses: { 200: Json<components['schemas']['Counts']> } & Problems };
  };
  '/api/v1/messages/{id}': {
    get: { parameters: ById; responses: { 200: Json<components['schemas']['Detail']> } & Problems };
  };
  '/api/v1/messages/{id}/attempts': {
    get: { parameters: ById; responses: { 200: Json<components['schemas']['Attempts']> } & Problems };
  };
  '/api/v1/messages/actions': {
    post: {
      parameters: NoParams;
      requestBody: Json<components['schemas']['ActionRequest']>;
      responses: { 200: Json<components['schemas']['ActionReport']> } & Problems;
    };
  };
  '/api/v1/status': {
    get: { parameters: NoParams; responses: { 200: Json<components['schemas']['Status']> } & Problems };
  };
}

export interface components {
  parameters: {
    List: {
      type?: 'all' | 'outbox' | 'sent' | 'failed';
      source?: 'all' | 'mine_sent' | 'notifications';
      q?: string;
      limit?: number;
      cursor?: string;
      at?: number;
    };
  };
  schemas: {
    Named: { id: number; name: string };
    Session: {
      user: {
        id: number;
        login: string;
        name: string;
        email: string;
        office: components['schemas']['Named'];
        rights: string[];
      };
      brand: string;
    };
    State: 'queued' | 'scheduled' | 'held' | 'sending' | 'deferred' | 'sent' | 'failed';
    Row: {
      id: string;
      date: string;
      type: 'outbox' | 'sent' | 'failed';
      state: components['schemas']['State'];
      category: 'user' | 'notification';
      kind: string;
      sender: components['schemas']['Named'] | null;
      office: components['schemas']['Named'];
      from: string;
      to: string;
      cc: string;
      bcc: string;
      recipients: number;
      subject: string;
      body: string;
      mime_type: string;
      size_bytes: number;
      attempts: number;
      sent: boolean;
      sent_on: string | null;
      next_attempt_at: string | null;
      held_until: string | null;
      hold_reason: string | null;
      send_at: string | null;
      code: string | null;
      error: string | null;
      tags: string[];
      external_id: string | null;
    };
    Page: {
      rows: components['schemas']['Row'][];
      next: string | null;
      prev: string | null;
      at: number | null;
      more: 'no' | 'yes' | 'unknown';
    };
    Counts: {
      types: { all: number; outbox: number; sent: number; failed: number };
      sources: { all: number; mine_sent: number; notifications: number };
      states: Record<components['schemas']['State'], number>;
      total: number;
      exact: boolean;
    };
    Detail: components['schemas']['Row'] & {
      message_id: string;
      headers: { name: string; value: string }[];
      recipients_detail: components['schemas']['Recipient'][];
      attachments: components['schemas']['Attachment'][];
      parts: ('text' | 'html')[];
      actions: ('requeue' | 'resend' | 'delete')[];
      submitted_by: string | null;
      links: { resent_from: string | null; resent_as: string[] };
    };
    Recipient: {
      address: string;
      role: 'to' | 'cc' | 'bcc' | 'envelope';
      state: 'pending' | 'sent' | 'failed';
      code: number | null;
      enhanced: string | null;
      text: string | null;
      at: string | null;
    };
    Attachment: { index: number; filename: string; content_type: string; size_bytes: number };
    Attempts: { attempts: components['schemas']['Attempt'][] };
    Attempt: {
      number: number;
      cycle: number;
      started_at: string;
      duration_ms: number | null;
      relay: string;
      tls: string | null;
      outcome: 'sent' | 'deferred' | 'failed' | 'uncertain' | 'partial';
      code: string | number | null;
      text: string | null;
      recipients: { address: string; code: string | number | null; text: string | null }[];
    };
    ActionRequest: { action: 'requeue' | 'resend' | 'delete'; ids: string[]; dry_run?: boolean };
    ActionReport: {
      done: number;
      skipped: number;
      refused: number;
      items: { id: string; outcome: 'done' | 'skipped' | 'refused'; reason: string | null; new_id: string | null }[];
    };
    Status: {
      brand: string;
      queue_enabled: boolean;
      relays: { name: string; host: string; state: 'up' | 'down' | 'probing'; since: string | null; last_error: string | null }[];
      queue: { ready: number; waiting: number; held: number; leased: number; oldest: string | null };
      banners: { kind: string; text: string }[];
    };
    Problem: {
      type?: string;
      title: string;
      status: number;
      detail?: string;
      code: string;
      field?: string;
      request_id?: string;
    };
  };
}
