/** Reads files that were chosen, dropped or pasted. */
import type { File64 } from './letter';

const NAME_CHARS_MAX = 255;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;

/** A file with its content in base64. Fails where the browser cannot read it: a folder, or a file that is gone. */
export function read(file: File): Promise<File64> {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onerror = () => fail(new Error(`${file.name} could not be read`));
    reader.onload = () => {
      const url = typeof reader.result === 'string' ? reader.result : '';
      done({ filename: nameOf(file), content_type: typeOf(file), content: url.slice(url.indexOf(',') + 1), bytes: file.size });
    };
    reader.readAsDataURL(file);
  });
}

/** Its name without what no header field may hold; the end stays, it tells what kind of file it is. */
function nameOf(file: File): string {
  const name = file.name.replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim() || 'unnamed';
  const letters = [...name];
  return letters.length <= NAME_CHARS_MAX ? name : [...letters.slice(0, NAME_CHARS_MAX - 21), '…', ...letters.slice(-20)].join('');
}

function typeOf(file: File): string {
  const type = file.type.split(';')[0]?.trim() ?? '';
  return MEDIA_TYPE.test(type) && !type.startsWith('multipart/') ? type : 'application/octet-stream';
}
