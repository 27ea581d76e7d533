/** The world's time zones, as drop-downs offer them. */

let names: { value: string; label: string }[] | null = null;

/** All of them, behind one without a name of its own: "As the server's". One that is set is never missing. */
export function zones(first: string, set = ''): { value: string; label: string }[] {
  names ??= Intl.supportedValuesOf('timeZone').map((name) => ({ value: name, label: name.replaceAll('_', ' ') }));
  const known = set === '' || names.some((one) => one.value === set);
  return [{ value: '', label: first }, ...(known ? [] : [{ value: set, label: set }]), ...names];
}
