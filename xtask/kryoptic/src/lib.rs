//! Nothing: the manifest beside it names what is to be built.
