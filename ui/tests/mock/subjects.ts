/**
 * What the mock answers besides the queue: a file per subject, each a function that answers the routes it knows and says
 * whether it did.
 */
import type { Mock } from './server.ts';

export type Call = {
  mock: Mock;
  /** `GET /alerts`: method and path behind `/api/v1`. */
  route: string;
  path: string;
  url: URL;
  login: string;
  rights: string[];
  /** The request's JSON. */
  read: () => Promise<never>;
  json: (status: number, data: unknown) => void;
  problem: (status: number, code: string, title: string, detail?: string) => void;
};

export type Subject = (call: Call) => boolean | Promise<boolean>;

export const SUBJECTS: Subject[] = [];
