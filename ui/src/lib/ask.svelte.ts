/** Asks before what cannot be taken back: `if (await asked({ … })) …`. */

export type Question = {
  title: string;
  text: string;
  /** Further lines: what is left out, and why. */
  details?: string[];
  /** The word on the button that goes on; it names the deed ("Delete 12"). */
  go: string;
  /** The word on the button that leaves everything as it is. */
  stay?: string;
  danger?: boolean;
};

class Asking {
  current = $state.raw<{ question: Question; answer: (yes: boolean) => void } | null>(null);
}

export const asking = new Asking();

/** Shows the question; true once it is answered with yes. A second question answers the first with no. */
export function asked(question: Question): Promise<boolean> {
  asking.current?.answer(false);
  return new Promise((answer) => (asking.current = { question, answer }));
}

/** Answers the question that is shown. */
export function answer(yes: boolean): void {
  const current = asking.current;
  asking.current = null;
  current?.answer(yes);
}
