#ifndef RECIPE_CBUILD_H
#define RECIPE_CBUILD_H

/// The commit that the sources were at when they were compiled, or an empty text.
///
/// `RECIPE_COMMIT` says it in the environment of a build, as the Makefile does; the sources of a
/// release archive carry it themselves.
const char *recipe_build_commit(void);

#endif
