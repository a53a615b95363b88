// Let a node live on real MicroPython, and say what it takes: heap after a collection, modules loaded, names interned.
// usage: node heap.mjs COMPILED < {"born", "given", "hears": [statement, …], "rests"}   (tests/benchmarks/heap.py)
// Prints {"heap", "modules", "names", "said"}; heap is less that of the empty interpreter.
import fs from 'node:fs';
import path from 'node:path';
import { boot, files, write } from './vm.mjs';

const [compiled] = process.argv.slice(2);
const life = JSON.parse(fs.readFileSync(0, 'utf8'));
const lines = [];
const mp = await boot((line) => lines.push(line));
for (const file of files(compiled, '.mpy')) write(mp, `/${path.relative(compiled, file)}`, fs.readFileSync(file));
const answer = (statement) => {
  mp.runPython(statement);
  return lines.pop();
};
const heap = () => {
  mp.runPython('import gc\ngc.collect()'); // this port collects once control is back here
  return Number(answer('print(gc.mem_alloc())'));
};

mp.runPython('import sys, os, struct, binascii, hashlib, micropython\nsys.path.append("/")');
const empty = heap();
for (const statement of [life.given, life.born, ...life.hears]) mp.runPython(statement);
const said = lines.splice(0);
mp.runPython(life.rests);
const used = heap() - empty;
const names = Number(answer('micropython.qstr_info()').match(/n_qstr=(\d+)/)[1]);
const modules = answer('print(" ".join(sys.modules))').split(' ');
console.log(JSON.stringify({ heap: used, modules, names, said }));
process.exit(0);
