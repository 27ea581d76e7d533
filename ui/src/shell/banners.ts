/** How a banner of the server looks and where it leads, by its kind. */
import type { IconName } from '../lib/ui/Icon.svelte';

type Look = { tone: 'hold' | 'bad' | 'plan' | 'quiet'; icon: IconName; link?: { label: string; href: string } };

const LOOKS: Record<string, Look> = {
  queue_disabled: { tone: 'bad', icon: 'stop' },
  delivery_paused: { tone: 'hold', icon: 'pause', link: { label: 'Show what waits', href: '/queue?type=outbox' } },
  sending_paused: { tone: 'hold', icon: 'pause', link: { label: 'Show what waits', href: '/queue?type=outbox' } },
  relay_down: { tone: 'bad', icon: 'alert', link: { label: 'Show what waits', href: '/queue?type=outbox' } },
  relay_refused: { tone: 'bad', icon: 'alert', link: { label: 'Show what waits', href: '/queue?type=outbox' } },
  no_server_relay: { tone: 'bad', icon: 'alert', link: { label: 'Office Settings', href: '/settings' } },
  limit_reached: { tone: 'hold', icon: 'pause', link: { label: 'Show held e-mail', href: '/queue?type=outbox&state=held' } },
  office_sends_locally: { tone: 'quiet', icon: 'info' },
};

export function bannerOf(kind: string): Look {
  return LOOKS[kind] ?? { tone: 'hold', icon: 'alert' };
}
