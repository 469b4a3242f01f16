/* A disk that cannot write any more: while the file named by FBP_BROKEN exists, fsync fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int is_broken(void) {
  const char *path = getenv("FBP_BROKEN");
  return path != NULL && access(path, F_OK) == 0;
}

static int passed_on(const char *name, int descriptor) {
  if (is_broken()) {
    errno = EIO;
    return -1;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(descriptor);
}

int fsync(int descriptor) { return passed_on("fsync", descriptor); }
int fdatasync(int descriptor) { return passed_on("fdatasync", descriptor); }
