// Python's exceptions without JavaScript in between.
//
// The build leaves C functions by longjmp, for which Emscripten has each call behind a setjmp go through a function of
// JavaScript, `invoke_ii` and its like: two in five µs that the firmware takes. Here these functions are a module of
// WebAssembly, written out below, in which a longjmp is an exception of WebAssembly's own. What JavaScript throws, such
// as the end of a run, goes through it as before.
//
// Sections, types and opcodes: WebAssembly Core Specification 2.0, §5, and the proposal for exceptions in its first
// form ("legacy"), which Node.js 20 has.
const [TYPES, FUNCTIONS, TABLES, EXPORTS, CODE, TAGS] = [1, 3, 4, 7, 10, 13];
const [TRY, CATCH, THROW, RETHROW, END, CATCH_ALL] = [0x06, 0x07, 0x08, 0x09, 0x0b, 0x19];
const [CALL_INDIRECT, GET, SET, CONST] = [0x11, 0x20, 0x21, 0x41];
const [I32, FUNCREF, FUNCTION, NOTHING] = [0x7f, 0x70, 0x60, 0x40];
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

// The second table has what Emscripten's `invoke` functions call themselves: [function of the build, what it takes, gives].
const HELPERS = [['emscripten_stack_get_current', 0, 1], ['_emscripten_stack_restore', 1, 0], ['setThrew', 2, 0]];
const [STACK, RESTORE, THREW] = [0, 1, 2];

// Replace them among a build's imports; what this returns is to be called with its exports.
export function shortened(imports) {
  const names = Object.keys(imports).filter((name) => name.startsWith('invoke_'));
  const made = new WebAssembly.Instance(new WebAssembly.Module(written(names))).exports;
  for (const name of names) imports[name] = made[name];
  imports._emscripten_throw_longjmp = made.jump;
  return (exported) => {
    const theirs = exported.__indirect_function_table;
    made.functions.grow(theirs.length);
    for (let at = 0; at < theirs.length; at += 1) made.functions.set(at, theirs.get(at));
    HELPERS.forEach(([name], at) => made.helpers.set(at, exported[name]));
  };
}

function written(names) {
  const types = [];
  const type = (takes, gives) => {
    const wanted = [FUNCTION, ...several(Array(takes).fill([I32])), ...several(Array(gives).fill([I32]))];
    const at = types.findIndex((each) => each.join() === wanted.join());
    return at < 0 ? types.push(wanted) - 1 : at;
  };
  const plain = type(0, 0); // also of the exception
  const helpers = HELPERS.map(([, takes, gives]) => type(takes, gives));
  const help = (at) => [CONST, at, CALL_INDIRECT, ...number(helpers[at]), 1];
  const functions = [];
  const code = [];
  for (const name of names) {
    const letters = name.slice('invoke_'.length); // what it gives, then what the function that it calls takes
    const gives = letters[0] === 'v' ? 0 : 1;
    const takes = letters.length - 1;
    const stack = takes + 1; // a local; the one before all is the function's place in the table
    const given = Array.from({ length: takes }, (_, at) => [GET, at + 1]).flat();
    functions.push(number(type(takes + 1, gives)));
    code.push([
      ...[1, 1, I32, ...help(STACK), SET, stack],
      ...[TRY, gives ? I32 : NOTHING, ...given, GET, 0, CALL_INDIRECT, ...number(type(takes, gives)), 0],
      ...[CATCH, 0, GET, stack, ...help(RESTORE), CONST, 1, CONST, 0, ...help(THREW), ...(gives ? [CONST, 0] : [])],
      ...[CATCH_ALL, GET, stack, ...help(RESTORE), RETHROW, 0, END, END],
    ]);
  }
  functions.push(number(plain));
  code.push([0, THROW, 0, END]);
  const exported = [...names, 'jump'].map((name, at) => [...text(name), 0, ...number(at)]);
  exported.push([...text('functions'), 1, 0], [...text('helpers'), 1, 1]);
  return Uint8Array.from([
    ...MAGIC,
    ...section(TYPES, types),
    ...section(FUNCTIONS, functions),
    ...section(TABLES, [[FUNCREF, 0, 0], [FUNCREF, 0, HELPERS.length]]),
    ...section(TAGS, [[0, ...number(plain)]]),
    ...section(EXPORTS, exported),
    ...section(CODE, code.map((body) => [...number(body.length), ...body])),
  ]);
}

function number(value) {
  const bytes = []; // LEB128
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

const several = (items) => [...number(items.length), ...items.flat()];
const text = (name) => several([...Buffer.from(name)].map((byte) => [byte]));
const section = (id, items) => [id, ...number(several(items).length), ...several(items)];
