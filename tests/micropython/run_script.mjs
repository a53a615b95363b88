// Run a script on real MicroPython, against what was compiled.
// usage: node run_script.mjs REPOSITORY COMPILED SCRIPT
import fs from 'node:fs';
import { bootWith } from './vm.mjs';

const [repository, compiled, script] = process.argv.slice(2);
const mp = await bootWith(repository, compiled, (line) => console.log(line));
try {
  mp.runPython(fs.readFileSync(script, 'utf8'));
} catch (error) {
  console.log(error.message); // the whole of an uncaught one is the build's source
  process.exit(1);
}
process.exit(0);
