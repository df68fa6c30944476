/* What the binding's files share: their registration, and errors as tables.
 *
 * All on the thread that runs the Lua state.
 */
#ifndef CCAAS_BINDING_H
#define CCAAS_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "ccaas.h"

#define CCAAS_CLIENT_TYPE "ccaas.core.client"
#define CCAAS_FLOW_TYPE "ccaas.core.flow"
#define CCAAS_LIVE_TYPE "ccaas.core.live"
#define CCAAS_FILE_TYPE "ccaas.core.file"
#define CCAAS_OGG_TYPE "ccaas.core.ogg"
#define CCAAS_QUESTION_TYPE "ccaas.core.question"
#define CCAAS_VAULT_TYPE "ccaas.core.vault"

/* Each makes its metatable; balanced. */
void ccaas_binding_client(lua_State *L);
void ccaas_binding_flow(lua_State *L);
void ccaas_binding_live(lua_State *L);
void ccaas_binding_file(lua_State *L);
void ccaas_binding_ogg(lua_State *L);
void ccaas_binding_question(lua_State *L);
void ccaas_binding_vault(lua_State *L);

/* core.client{...}, core.flow(client, plan) and core.live(client, plan). */
int ccaas_binding_new_client(lua_State *L);
int ccaas_binding_new_flow(lua_State *L);
int ccaas_binding_new_live(lua_State *L);

/* core.open(path, mode [, how]), which is io.open for what no program is to
 * inherit. */
int ccaas_binding_open(lua_State *L);
/* core.file(path), core.sweep(folder) and core.ogg(). */
int ccaas_binding_new_file(lua_State *L);
int ccaas_binding_sweep(lua_State *L);
int ccaas_binding_new_ogg(lua_State *L);

/* client:question(), and core.vault(path). */
int ccaas_binding_new_question(lua_State *L);
int ccaas_binding_new_vault(lua_State *L);

/* The client at that index; raises when it is none or was closed. */
struct ccaas_client *ccaas_binding_check_client(lua_State *L, int index);

/* The same; NULL when it was closed. */
struct ccaas_client *ccaas_binding_client_or_null(lua_State *L, int index);

/* The flow at that index; raises when it is none or was let go. */
struct ccaas_flow *ccaas_binding_check_flow(lua_State *L, int index);

/* The same; NULL when it was let go. */
struct ccaas_flow *ccaas_binding_flow_or_null(lua_State *L, int index);

/* The bytes at that index: a string's, or those of the piece that a flow has in
 * its place (valid until its next take); raises when there are none. */
const char *ccaas_binding_check_bytes(lua_State *L, int index, size_t *length);

/* The subscription at that index, likewise. */
struct ccaas_live *ccaas_binding_check_live(lua_State *L, int index);
struct ccaas_live *ccaas_binding_live_or_null(lua_State *L, int index);

/* The bell of the flow, subscription or gather at that index; raises when it is
 * none or was let go. */
struct ccaas_bell *ccaas_binding_check_bell(lua_State *L, int index);

/* core.door(), core.line() and its metatable. */
void ccaas_binding_line(lua_State *L);
int ccaas_binding_door(lua_State *L);
int ccaas_binding_new_line(lua_State *L);

/* core.gather() and its metatable. */
void ccaas_binding_gather(lua_State *L);
int ccaas_binding_new_gather(lua_State *L);

/* core.alarm(fd, seconds) and its metatable. */
void ccaas_binding_alarm(lua_State *L);
int ccaas_binding_new_alarm(lua_State *L);

/* This Lua state's engine, made when it is first needed.  The registry keeps
 * it, and stops it when the state is closed. */
struct ccaas_engine *ccaas_binding_engine(lua_State *L);

/* Pushes the error as a plain table. */
void ccaas_binding_push_error(lua_State *L, const struct ccaas_error *error);

/* Fields of the table at index -1; a default where it is nil.  The string
 * stays valid while the table has it. */
const char *ccaas_binding_text(lua_State *L, const char *name);
double ccaas_binding_number(lua_State *L, const char *name, double otherwise);
bool ccaas_binding_flag(lua_State *L, const char *name);

/* The list of strings in a field of the table at index -1, ended with NULL, in
 * memory that is pushed (a userdata above the table); an empty list where it is
 * nil. *count may be NULL. */
const char **ccaas_binding_list(lua_State *L, const char *name, size_t *count);

#endif
