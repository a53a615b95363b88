// What a board has alive on its heap: bytes after a collection, where a turn begins, for this build collects between two
// calls only. What an interpreter takes on which nothing of ours runs does not count.
//
// A look takes a third of a ms, and a lamp has five thousand turns a day: looked at are the first turns of a run, when
// the most is loaded, then one whenever the run has lasted a quarter longer. A run that woke with an image has in memory
// what others imported, too; so now and then one imports for itself, as each does on a real board, and only these are
// looked at: four in a day, at 0, 0.5, 2 and 8 h.
const FIRST = 8; // turns
const SPREAD = 4;
const RUN_US = 1800e6;

export class Heap {
  // on: whether anybody wants to know.
  constructor(vm, on) {
    this.vm = vm;
    this.on = on;
    this.nextRun = 0;
  }

  // What Python calls for it: gc.collect, gc.mem_alloc.
  take(collect, alive) {
    this.collect = collect;
    this.alive = alive;
  }

  // The interpreter is fresh: see what it takes.
  prepare() {
    this.empty = this.bytes();
  }

  // A run begins: whether it is looked at, and so is to import for itself.
  begin(now) {
    this.begun = now;
    this.turns = 0;
    this.looks = this.on && now >= this.nextRun;
    if (this.looks) this.nextRun = Math.max(SPREAD * now, RUN_US);
    return this.looks;
  }

  // A turn begins.
  turn() {
    if (!this.looks) return;
    const { now } = this.vm;
    this.turns += 1;
    if (this.turns > FIRST && now < this.nextLook) return;
    this.nextLook = now + (now - this.begun) / SPREAD;
    this.vm.post('heap', this.bytes() - this.empty);
  }

  bytes() {
    this.collect();
    return this.alive();
  }
}
