/* Can the OpenSSL of this process be used by threads of ours?
 *
 * The functions that libcurl and libwebsockets call are looked up in the
 * program first, then in the libraries that they were built with.  An nginx
 * with an OpenSSL of its own inside (`--with-openssl`) exports it, so that it
 * replaces the system's for all libraries of the process; and nginx builds it
 * without threads: its locks lock nothing.  Functions of two OpenSSLs that
 * are mixed crash as well: each has structures of its own.
 *
 * Called by the thread that loads the module, before anything of OpenSSL is
 * used; keeps nothing.
 */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "ccaas.h"

#define PATH_SIZE 256
#define MAJOR_SHIFT 28 /* of a version's number */

/* A function that is used, and the program or library that it is found in. */
struct origin {
    const char *name;
    void *address;
    const void *base;
    const char *file; /* the loader's name of it; NULL: the program itself */
    char path[PATH_SIZE]; /* for people */
};

static void *address_of(void (*function)(void))
{
    void *address;

    memcpy(&address, &function, sizeof address);
    return address;
}

#define ADDRESS_OF(function) address_of((void (*)(void))(function))

static bool is_program(const void *base)
{
    void *headers = (void *)(uintptr_t)getauxval(AT_PHDR);
    Dl_info info;

    return headers && dladdr(headers, &info) && info.dli_fbase == base;
}

static void find_origin(struct origin *origin, const char *name, void *address)
{
    Dl_info info = {.dli_fname = "an unknown place"};
    ssize_t length;

    dladdr(address, &info);
    origin->name = name;
    origin->address = address;
    origin->base = info.dli_fbase;
    origin->file = info.dli_fname;
    snprintf(origin->path, sizeof origin->path, "%s", info.dli_fname);
    if (!is_program(origin->base))
        return;
    /* The loader knows it by its argv[0], which nginx overwrites. */
    origin->file = NULL;
    length = readlink("/proc/self/exe", origin->path, sizeof origin->path - 1);
    if (length > 0)
        origin->path[length] = 0;
}

/* What a name is in the scope of a program or library: in itself, then in the
 * libraries that it was linked with, whatever replaces them.  False: there is
 * no way to look into it. */
static bool find_within(const struct origin *origin, const char *name,
                        void **found)
{
    int mode = origin->file ? RTLD_LAZY | RTLD_NOLOAD : RTLD_LAZY;
    void *handle = dlopen(origin->file, mode);

    if (!handle)
        return false;
    *found = dlsym(handle, name);
    dlclose(handle);
    return true;
}

/* Does what `one` is in use the same `other` as we do? */
static bool agrees(const struct origin *one, const struct origin *other)
{
    void *found;

    return one->base == other->base || !find_within(one, other->name, &found) ||
           found == other->address;
}

/* The library that a function would come from if nothing replaced it. */
static void find_linked(struct origin *linked, const char *name)
{
    struct origin self;
    void *found = NULL;

    find_origin(&self, "", ADDRESS_OF(ccaas_openssl_check));
    find_within(&self, name, &found);
    find_origin(linked, name, found);
}

static void *ask_id(void *id)
{
    *(CRYPTO_THREAD_ID *)id = CRYPTO_THREAD_get_current_id();
    return NULL;
}

/* Can it tell this thread from another one that lives at the same time? */
static bool tells_threads_apart(void)
{
    CRYPTO_THREAD_ID own = CRYPTO_THREAD_get_current_id();
    CRYPTO_THREAD_ID others = own;
    sigset_t all, before;
    pthread_t other;
    bool started;

    if (pthread_equal(own, pthread_self()))
        return true; /* as every OpenSSL with threads does it: no thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&other, NULL, ask_id, &others) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_join(other, NULL);
    return !started || !pthread_equal(others, own);
}

/* How the program has to be built. */
static void advise(char *why, size_t size, const char *what)
{
    snprintf(why, size,
             "ccaas cannot be used in this process: %s.  Build nginx with the "
             "options --with-openssl=FOLDER (of an OpenSSL %u) and "
             "--with-openssl-opt=threads, or without --with-openssl: then it "
             "uses the system's OpenSSL",
             what, (unsigned)(OPENSSL_VERSION_NUMBER >> MAJOR_SHIFT));
}

static bool refuse_threads(const struct origin *id, char *what, size_t size)
{
    struct origin linked;

    if (tells_threads_apart())
        return false;
    find_linked(&linked, id->name);
    if (linked.base == id->base)
        snprintf(what, size, "the OpenSSL of %s is built without threads",
                 id->path);
    else
        snprintf(what, size,
                 "the OpenSSL of %s is built without threads, and replaces "
                 "%s for libcurl and libwebsockets",
                 id->path, linked.path);
    return true;
}

static bool refuse_mixture(const struct origin *one, const struct origin *other,
                           char *what, size_t size)
{
    if (agrees(one, other))
        return false;
    snprintf(what, size,
             "two OpenSSLs are mixed for libcurl and libwebsockets: %s comes "
             "from %s, %s from %s",
             one->name, one->path, other->name, other->path);
    return true;
}

static bool refuse_version(const struct origin *version, char *what,
                           size_t size)
{
    unsigned major = (unsigned)(OpenSSL_version_num() >> MAJOR_SHIFT);
    struct origin linked;

    if (major == OPENSSL_VERSION_NUMBER >> MAJOR_SHIFT)
        return false;
    find_linked(&linked, version->name);
    snprintf(what, size,
             "the OpenSSL %u of %s replaces %s, but libcurl and "
             "libwebsockets are built for OpenSSL %u",
             major, version->path, linked.path,
             (unsigned)(OPENSSL_VERSION_NUMBER >> MAJOR_SHIFT));
    return true;
}

bool ccaas_openssl_check(char *why, size_t size)
{
    struct origin ssl, version, lock, id;
    char what[3 * PATH_SIZE];

    find_origin(&ssl, "SSL_CTX_new", ADDRESS_OF(SSL_CTX_new));
    find_origin(&version, "OpenSSL_version_num",
                ADDRESS_OF(OpenSSL_version_num));
    find_origin(&lock, "CRYPTO_THREAD_lock_new",
                ADDRESS_OF(CRYPTO_THREAD_lock_new));
    find_origin(&id, "CRYPTO_THREAD_get_current_id",
                ADDRESS_OF(CRYPTO_THREAD_get_current_id));
    if (!refuse_threads(&id, what, sizeof what) &&
        !refuse_mixture(&ssl, &lock, what, sizeof what) &&
        !refuse_mixture(&ssl, &version, what, sizeof what) &&
        !refuse_mixture(&version, &lock, what, sizeof what) &&
        !refuse_version(&version, what, sizeof what))
        return true;
    advise(why, size, what);
    return false;
}
