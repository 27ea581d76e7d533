/**
 * What the mock answers besides the queue: a file per subject, each a function that answers the routes it knows and says
 * whether it did.
 */
import { alerts } from './alerts.ts';
import { audit } from './audit.ts';
import { compose } from './compose.ts';
import { openPasswords, passwords } from './passwords.ts';
import { limitAnswers } from './limits.ts';
import { nameAnswers } from './names.ts';
import { peopleAnswers } from './people.ts';
import type { Mock } from './server.ts';
import { openSetup, settings } from './settings.ts';
import { status } from './status.ts';

export type Call = {
  mock: Mock;
  /** `GET /alerts`: method and path behind `/api/v1`. */
  route: string;
  path: string;
  url: URL;
  login: string;
  rights: string[];
  /** Null before signing in. */
  office: { id: number; name: string } | null;
  /** A header of the request, by its name in small letters; empty where there is none. */
  header: (name: string) => string;
  /** The request's JSON. */
  read: () => Promise<never>;
  json: (status: number, data: unknown, headers?: Record<string, string>) => void;
  /** Without a body; 204 unless it is another. */
  empty: (status?: number) => void;
  /** `more` is what the problem says besides: `field`, `rule`. */
  problem: (status: number, code: string, title: string, detail?: string, more?: { field?: string; rule?: string; suggestion?: string }) => void;
};

export type Subject = (call: Call) => boolean | Promise<boolean>;

export const SUBJECTS: Subject[] = [alerts, audit, passwords, compose, peopleAnswers, limitAnswers, nameAnswers, settings, status];

/** Those that answer before signing in: `login` is empty. Asked before all else. */
export const OPEN_SUBJECTS: Subject[] = [openPasswords, openSetup];
