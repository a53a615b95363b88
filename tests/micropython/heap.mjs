// Print how many bytes of heap the named modules take on real MicroPython.
// usage: node heap.mjs COMPILED MODULE…
import fs from 'node:fs';
import path from 'node:path';
import { boot, files, write } from './vm.mjs';

const [compiled, ...modules] = process.argv.slice(2);
const lines = [];
const mp = await boot((line) => lines.push(line));
for (const file of files(compiled, '.mpy')) write(mp, `/${path.relative(compiled, file)}`, fs.readFileSync(file));
const measure = () => {
  mp.runPython('import gc\ngc.collect()'); // this port collects once control is back here
  mp.runPython('print(gc.mem_alloc())');
  return Number(lines.pop());
};
mp.runPython('import sys, struct, binascii\nsys.path.append("/")');
const before = measure();
for (const module of modules) mp.runPython(`import ${module}`);
console.log(measure() - before);
