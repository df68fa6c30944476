/* What the binding's files share: their registration, and errors as tables.
 *
 * All on the thread that runs the Lua state.
 */
#ifndef CC_BINDING_H
#define CC_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "ccaas.h"

#define CC_CLIENT_TYPE "ccaas.core.client"
#define CC_CALL_TYPE "ccaas.core.call"
#define CC_SUBSCRIPTION_TYPE "ccaas.core.subscription"
#define CC_ATOMIC_FILE_TYPE "ccaas.core.atomic_file"
#define CC_OGG_TYPE "ccaas.core.ogg"
#define CC_STORE_REQUEST_TYPE "ccaas.core.store_request"
#define CC_PRIVATE_FILE_TYPE "ccaas.core.private_file"

/* Each makes its metatable; balanced. */
void cc_binding_client(lua_State *L);
void cc_binding_call(lua_State *L);
void cc_binding_subscription(lua_State *L);
void cc_binding_atomic_file(lua_State *L);
void cc_binding_ogg(lua_State *L);
void cc_binding_store_request(lua_State *L);
void cc_binding_private_file(lua_State *L);

/* core.client{...}, core.call(client, plan) and core.subscription(client,
 * plan). */
int cc_binding_new_client(lua_State *L);
int cc_binding_new_call(lua_State *L);
int cc_binding_new_subscription(lua_State *L);

/* core.open(path, mode [, how]), which is io.open for what no program is to
 * inherit. */
int cc_binding_open(lua_State *L);
/* core.atomic_file(path), core.sweep(folder) and core.ogg(). */
int cc_binding_new_atomic_file(lua_State *L);
int cc_binding_sweep(lua_State *L);
int cc_binding_new_ogg(lua_State *L);

/* client:store_request(), and core.private_file(path). */
int cc_binding_new_store_request(lua_State *L);
int cc_binding_new_private_file(lua_State *L);

/* The client at that index; raises when it is none or was closed. */
struct ccaas_client *cc_binding_check_client(lua_State *L, int index);

/* The same; NULL when it was closed. */
struct ccaas_client *cc_binding_client_or_null(lua_State *L, int index);

/* The call at that index; raises when it is none or was let go. */
struct ccaas_call *cc_binding_check_call(lua_State *L, int index);

/* The same; NULL when it was let go. */
struct ccaas_call *cc_binding_call_or_null(lua_State *L, int index);

/* The bytes at that index: a string's, or those of the piece that a call has in
 * its place (valid until its next take); raises when there are none. */
const char *cc_binding_check_bytes(lua_State *L, int index, size_t *length);

/* The subscription at that index, likewise. */
struct ccaas_subscription *cc_binding_check_subscription(lua_State *L,
                                                         int index);
struct ccaas_subscription *cc_binding_subscription_or_null(lua_State *L,
                                                           int index);

/* The waker of the call, subscription or waitset at that index; raises when it
 * is none or was let go. */
struct ccaas_waker *cc_binding_check_waker(lua_State *L, int index);

/* core.nginx_socket(), core.nginx_connection() and its metatable. */
void cc_binding_nginx_connection(lua_State *L);
int cc_binding_nginx_socket(lua_State *L);
int cc_binding_new_nginx_connection(lua_State *L);

/* core.waitset() and its metatable. */
void cc_binding_waitset(lua_State *L);
int cc_binding_new_waitset(lua_State *L);

/* core.alarm(fd, seconds) and its metatable. */
void cc_binding_alarm(lua_State *L);
int cc_binding_new_alarm(lua_State *L);

/* This Lua state's engine, made when it is first needed.  The registry keeps
 * it, and stops it when the state is closed. */
struct ccaas_engine *cc_binding_engine(lua_State *L);

/* Pushes the error as a plain table. */
void cc_binding_push_error(lua_State *L, const struct ccaas_error *error);

/* Fields of the table at index -1; a default where it is nil, for what users
 * may leave out; a setting is required, for its default is the Lua side's.  The
 * string stays valid while the table has it. */
const char *cc_binding_text(lua_State *L, const char *name);
double cc_binding_number(lua_State *L, const char *name, double otherwise);
double cc_binding_setting(lua_State *L, const char *name);
bool cc_binding_flag(lua_State *L, const char *name);

/* The list of strings in a field of the table at index -1, ended with NULL, in
 * memory that is pushed (a userdata above the table); an empty list where it is
 * nil. *count may be NULL. */
const char **cc_binding_list(lua_State *L, const char *name, size_t *count);

#endif
