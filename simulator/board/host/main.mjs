// Boards, each in a thread and with two pipes of its own: one that waits in the midst of its firmware holds up no other.
//
// usage: node main.mjs FOLDER IMAGES HEAP FROM,TO [FROM,TO …]   (FOLDER: the npm package; IMAGES: 1, or 0 to import all
// at each wake; HEAP: 1 to tell of it, or 0; numbers of file descriptors)
// Ends with its stdin, or when a board's thread does what it must not.
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

const [folder, images, heap, ...pipes] = process.argv.slice(2);
const compiled = await WebAssembly.compile(fs.readFileSync(path.join(folder, 'micropython.wasm')));
for (const pipe of pipes) {
  const [from, to] = pipe.split(',').map(Number);
  const worker = new Worker(new URL('board.mjs', import.meta.url), {
    workerData: { folder, compiled, images: images === '1', heap: heap === '1', from, to },
  });
  worker.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
}
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
