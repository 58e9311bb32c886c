// Linking this target into a program is all there is to do: before any library of the program
// begins, it sees to it that libgomp's waiting threads sleep. See launcher.c.
#ifndef CLAUNCHER_H
#define CLAUNCHER_H

#endif
