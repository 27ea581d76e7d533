/**
 * Every page of the UI, filled with data, with each dialog and menu open: what `accessible.spec.ts` looks at. A new page
 * or dialog needs a row here; the spec says so until it has one.
 */
import { alerts } from './alerts';
import { compose } from './compose';
import { message } from './message';
import { outside } from './outside';
import { people } from './people';
import { person } from './person';
import { queue } from './queue';
import { server } from './server';
import { settings } from './settings';
import type { Place } from './state';

export const PLACES: Place[] = [...outside, ...queue, ...message, ...alerts, ...compose, ...settings, ...people, ...server, ...person];
export type { Place, State } from './state';
