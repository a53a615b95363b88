// Memory of an interpreter that has imported already: what a board wakes with instead of importing all of it again.
//
// Modules do nothing when they are imported but define what they have, so that one that is there already makes no
// difference to those who import it; a board that wakes without an image does the same, and takes three times as long.
// The first run after the power comes imports what it imports; the next begins with that. An image counts as long as
// nothing is written to boot.py and to the folder that its modules come from.
const NOWHERE = '/nowhere';
const PREPARED = `
__import__('sys').modules['main'] = __import__('machine')._main[1]
exec(__import__('machine')._main[0], __import__('machine')._main[1].__dict__)`;
const AGAIN = 2; // runs that had to import what the image lacks, until it is made anew

export class Images {
  constructor(vm, on) {
    this.vm = vm;
    this.on = on;
    this.kept = null; // {state, folder, modules, as}: as: how often was written to what it was made of
    this.image = null; // what this run woke with: that, or none
    this.misses = 0;
    this.begin();
  }

  // A run begins.
  begin() {
    this.folder = null;
    this.missed = new Set();
  }

  // A file is opened to be read: of the first folder from which modules come, which.
  opened(file) {
    const [, folder, module] = /^(\/[^/]+)\/(.+)\.m?py$/.exec(file) ?? [];
    if (!this.on || !folder || module === 'main') return; // main.py is what a run does
    this.folder ??= folder;
    const name = module.replaceAll('/', '.').replace(/\.__init__$/, '');
    if (folder === this.folder && !this.kept?.modules.includes(name)) this.missed.add(name);
  }

  // What the next run begins with, or null. afresh: it is to have none.
  next(afresh) {
    if (this.kept && this.kept.as !== this.written(this.kept.folder)) this.kept = null;
    if (this.missed.size) {
      this.misses += 1;
      if (!this.kept || this.kept.folder !== this.folder) this.make(this.folder, [...this.missed]);
      else if (this.misses >= AGAIN) this.make(this.folder, [...this.kept.modules, ...this.missed]);
    }
    this.begin();
    this.image = afresh ? null : this.kept;
    return this.image;
  }

  make(folder, modules) {
    const { vm } = this;
    this.misses = 0;
    this.kept = null;
    vm.restore(vm.fresh);
    vm.mp.FS.chdir(folder);
    const before = vm.posted.length;
    try {
      for (const name of modules) vm.mp.runPython(`__import__('${name}')`);
      vm.mp.runPython("import machine\nmachine._boot = compile(open('/boot.py').read(), 'boot.py', 'exec')");
      if (vm.mp.FS.analyzePath('main.py').exists) this.prepareMain();
      vm.mp.runPython('del machine');
      vm.mp.runPython('import gc\ngc.collect()\ndel gc');
    } catch (error) {
      if (error.name !== 'PythonError') throw error;
      return; // a run will meet the same error, and say it
    } finally {
      vm.mp.FS.chdir('/');
    }
    if (vm.posted.length === before) this.kept = { state: vm.state(), folder, modules, as: this.written(folder) };
  }

  // main.py is compiled as well: `machine._main` is a module of its name with nothing in it yet, and what fills it.
  prepareMain() {
    const { FS, runPython } = this.vm.mp;
    runPython("machine._main = [compile(open('main.py').read(), 'main.py', 'exec')]");
    const folder = FS.cwd();
    FS.mkdir(NOWHERE);
    FS.writeFile(`${NOWHERE}/main.py`, '');
    FS.chdir(NOWHERE);
    runPython("import sys\nmachine._main.append(__import__('main'))\ndel sys.modules['main'], sys");
    FS.chdir(folder);
    FS.unlink(`${NOWHERE}/main.py`);
    FS.rmdir(NOWHERE);
  }

  // How main.py is imported, from where boot.py went.
  main() {
    return this.image?.folder === this.vm.mp.FS.cwd() ? `${PREPARED}\nimport main` : 'import main';
  }

  // boot.py has chosen a folder: modules from another one are forgotten.
  chosen(folder) {
    if (!this.image || this.image.folder === folder) return;
    // Some are not there: what the others need only as they are imported is let go at once (firmware/demand.py).
    for (const name of this.image.modules) {
      this.vm.mp.runPython(`import sys\nsys.modules.pop('${name}', None)\ndel sys`);
    }
  }

  written(folder) {
    const { changes } = this.vm.flash;
    return `${changes.get(folder) ?? 0},${changes.get('/boot.py') ?? 0}`;
  }
}

// The first part of a path: a slot, a folder or a file.
export const topOf = (file) => `/${file.split('/')[1]}`;
