/* The process's environment, for the choices that take it as an argument.
 */
#ifndef CC_ENVIRONMENT_H
#define CC_ENVIRONMENT_H

/* The value of a variable, or NULL; valid until the environment is changed. */
const char *cc_environment(const char *name);

#endif
