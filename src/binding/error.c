/* Errors as plain tables. */
#include <assert.h>

#include "binding.h"

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (!text[0])
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* No error that scripts see is without a code and a message.  One that has none
 * is a fault of ours, which a build with assertions stops at. */
static void set_reason(lua_State *L, const struct ccaas_error *error)
{
    bool is_known = error->code > CCAAS_OK && error->code <= CCAAS_MEMORY;
    enum ccaas_code code = is_known ? error->code : CCAAS_PROTOCOL;

    assert(is_known && error->message[0]);
    set_text(L, "code", ccaas_code_name(code));
    set_text(L, "message",
             error->message[0] ? error->message : ccaas_code_text(error->code));
}

void cc_binding_push_error(lua_State *L, const struct ccaas_error *error)
{
    size_t i;

    lua_createtable(L, 0, 12);
    set_reason(L, error);
    set_text(L, "method", error->method);
    set_text(L, "url", error->url);
    set_text(L, "request_id", error->request_id);
    if (error->body_length) {
        lua_pushlstring(L, error->body, error->body_length);
        lua_setfield(L, -2, "body");
    }
    if (error->status) {
        lua_pushinteger(L, error->status);
        lua_setfield(L, -2, "status");
    }
    if (error->retry_after >= 0) {
        lua_pushnumber(L, error->retry_after);
        lua_setfield(L, -2, "retry_after");
    }
    lua_pushboolean(L, error->retryable);
    lua_setfield(L, -2, "retryable");
    lua_createtable(L, (int)error->attempt_count, 0);
    for (i = 0; i < error->attempt_count; i++) {
        lua_createtable(L, 0, 3);
        lua_pushnumber(L, error->attempts[i].at);
        lua_setfield(L, -2, "at");
        lua_pushnumber(L, error->attempts[i].seconds);
        lua_setfield(L, -2, "seconds");
        set_text(L, "outcome", error->attempts[i].outcome);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "attempts");
}
