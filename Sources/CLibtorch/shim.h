// Nothing to import: this target carries libtorch's folders, as recipe-libtorch.pc names them, to CTorch where the
// package is a dependency of another one.
