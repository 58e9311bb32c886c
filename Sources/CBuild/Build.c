#include "CBuild.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

const char *recipe_build_commit(void) {
#ifdef RECIPE_COMMIT
    return TEXT(RECIPE_COMMIT);
#else
    // `git archive` puts the commit here (.gitattributes); in a working copy it is no commit.
    static const char archived[] = "$Format:%H$";
    return archived[0] == '$' ? "" : archived;
#endif
}
