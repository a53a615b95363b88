// Run the tests that both Pythons share on a MicroPython that traces lines, and say which lines of the node's code ran.
// usage: node coverage.mjs REPOSITORY SOURCES PACKAGE [WORD]   (SOURCES: of the node, without what only mypy can read;
// PACKAGE: folder of the npm package that has micropython-settrace.wasm)
// Prints, last, a line of JSON: {"passed", "failed": [name, …], "lines": {file: [line, …]}}.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CRYPTOLIB, files, write } from './vm.mjs';

const [repository, sources, folder, word = ''] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(path.join(folder, 'micropython.mjs')));
let memory;
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (...args) => {
  const made = await instantiate(...args);
  memory = Object.values((made.instance ?? made).exports).find((item) => item instanceof WebAssembly.Memory);
  return made;
};
const bytes = () => new Uint8Array(memory.buffer);
let line = '';
const mp = await loadMicroPython({
  url: path.join(folder, 'micropython-settrace.wasm'),
  heapsize: 16 << 20, // sources are compiled there
  stdout: (said) => {
    line = said;
  },
});
mp.registerJsModule('_aes', {
  ecb(encrypt, key, data, length) {
    const make = encrypt ? crypto.createCipheriv : crypto.createDecipheriv;
    const cipher = make('aes-128-ecb', bytes().slice(key, key + 16), null).setAutoPadding(false);
    bytes().set(cipher.update(bytes().slice(data, data + length)), data);
  },
});
write(mp, '/lib/cryptolib.py', CRYPTOLIB);
for (const [place, ending] of [
  ['tests/protocol', '.py'],
  ['tests/firmware', '.py'],
  ['tests/fakes', '.py'],
  ['tests/data', '.json'],
  ['simulator/chips', '.py'],
])
  for (const file of files(path.join(repository, place), ending))
    write(mp, `/${path.relative(repository, file)}`, fs.readFileSync(file));
for (const file of files(sources, '.py')) write(mp, `/${path.relative(sources, file)}`, fs.readFileSync(file));
write(mp, '/simulator/__init__.py', '');
mp.runPython(`
import sys
sys.path.append("/")
seen = {}
def tracer(frame, event, arg):
    name = frame.f_code.co_filename
    if "firmware/" not in name or "tests/" in name:
        return None
    seen.setdefault(name, set()).add(frame.f_lineno)
    return tracer
`);
let passed = 0;
const failed = [];
const tests = ['protocol', 'firmware'].flatMap((place) => files(path.join(repository, 'tests', place), '.py'));
for (const file of tests.filter((name) => path.basename(name).startsWith('test_'))) {
  const module = path.relative(repository, file).replace(/\.py$/, '').replaceAll('/', '.');
  if (!module.includes('firmware')) continue;
  try {
    mp.runPython(`sys.settrace(tracer)\nimport ${module}\n_module = sys.modules["${module}"]\nsys.settrace(None)`);
  } catch (error) {
    failed.push(module);
    process.stderr.write(`${module}\n${error.message}\n`);
    continue;
  }
  for (const [, name] of fs.readFileSync(file, 'utf8').matchAll(/^def (test_\w+)\(/gm)) {
    if (!`${module}.${name}`.includes(word)) continue;
    try {
      mp.runPython(`sys.settrace(tracer)\n_module.${name}()\nsys.settrace(None)`);
      passed += 1;
    } catch (error) {
      failed.push(`${module}.${name}`);
      process.stderr.write(`${module}.${name}\n${error.message}\n`);
    }
  }
}
mp.runPython('import json\nsys.settrace(None)\nprint(json.dumps({name: sorted(lines) for name, lines in seen.items()}))');
console.log(JSON.stringify({ passed, failed, lines: JSON.parse(line) }));
process.exit(0);
