// Writes dist/.source-hash: one SHA-256 over everything the build reads, so that the server's build can tell
// whether ui/dist belongs to the sources beside it. `--check` compares instead and exits 1 when they differ.
//
// The hash is over, for each file in byte order of its path: the path, a NUL, the content, a NUL.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inputs = ['src', 'public', 'index.html', 'package.json', 'package-lock.json', 'svelte.config.js', 'vite.config.ts'];

function filesUnder(path) {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => filesUnder(join(path, entry.name)));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}

const paths = inputs
  .flatMap((input) => filesUnder(join(root, input)))
  .map((path) => relative(root, path).split(sep).join('/'))
  .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
const hash = createHash('sha256');
for (const path of paths) hash.update(path).update('\0').update(readFileSync(join(root, path))).update('\0');
const digest = hash.digest('hex');
const target = join(root, 'dist', '.source-hash');

if (process.argv.includes('--check')) {
  const built = readFileSync(target, 'utf8').trim();
  if (built !== digest) {
    console.error('ui/dist is older than the sources: run `npm run build` in ui/');
    process.exit(1);
  }
} else {
  writeFileSync(target, `${digest}\n`);
}
