/** People who cannot send any more after an office was changed. */
import type { NewToast } from '../lib/toasts.svelte';

/** Says how many cannot send from their own address any more, and what to do. */
export function peopleRefused(n: number): NewToast {
  return {
    tone: 'bad',
    text: n === 1 ? 'One person can no longer send e-mail.' : `${n} people can no longer send e-mail.`,
    details: ['Their address is outside the allowed sender domains. Allow its domain, or give them another address; postroom check on the server names them.'],
  };
}
