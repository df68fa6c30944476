rockspec_format = "3.0"
package = "ccaas"
version = "scm-1"
source = {
  -- PLACEHOLDER: no repository is there.  `luarocks make` builds the folder that it
  -- is called in; tools/release puts the URL that it is given in this place.
  url = "git+https://placeholder.invalid/ccaas.git",
}
description = {
  summary = "A client for contact-center data APIs (8x8, Xima)",
  detailed = [[
    Reads metrics, reports, recordings and live events.  Threads move the
    bytes and C decodes them; Lua waits, in a plain script as in OpenResty,
    cqueues, luv or copas.]],
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.6",
  "lua-cjson >= 2.1.0",
}
build = {
  -- LuaRocks installs by these lists: only so does a packed rock hold everything.
  -- spec/lua/project/version_spec.lua compares them with the folders.
  type = "command",
  build_command = "sh tools/build-rock '$(LUA_INCDIR)'",
  install = {
    lib = {
      ["ccaas.core"] = "build.luarocks/ccaas/core.so",
      ["ccaas.sandbox.server"] = "build.luarocks/ccaas/sandbox/server.so",
    },
    lua = {
      ["ccaas"] = "lua/ccaas.lua",
      ["ccaas.callbacks"] = "lua/ccaas/callbacks.lua",
      ["ccaas.cjson"] = "lua/ccaas/cjson.lua",
      ["ccaas.client"] = "lua/ccaas/client.lua",
      ["ccaas.download"] = "lua/ccaas/download.lua",
      ["ccaas.error"] = "lua/ccaas/error.lua",
      ["ccaas.events"] = "lua/ccaas/events.lua",
      ["ccaas.format"] = "lua/ccaas/format.lua",
      ["ccaas.internals"] = "lua/ccaas/internals.lua",
      ["ccaas.json"] = "lua/ccaas/json.lua",
      ["ccaas.loop"] = "lua/ccaas/loop.lua",
      ["ccaas.loop.blocking"] = "lua/ccaas/loop/blocking.lua",
      ["ccaas.loop.copas"] = "lua/ccaas/loop/copas.lua",
      ["ccaas.loop.cqueues"] = "lua/ccaas/loop/cqueues.lua",
      ["ccaas.loop.luv"] = "lua/ccaas/loop/luv.lua",
      ["ccaas.loop.openresty"] = "lua/ccaas/loop/openresty.lua",
      ["ccaas.loop.openresty_socket"] = "lua/ccaas/loop/openresty_socket.lua",
      ["ccaas.merge"] = "lua/ccaas/merge.lua",
      ["ccaas.method"] = "lua/ccaas/method.lua",
      ["ccaas.names"] = "lua/ccaas/names.lua",
      ["ccaas.options"] = "lua/ccaas/options.lua",
      ["ccaas.query"] = "lua/ccaas/query.lua",
      ["ccaas.reading"] = "lua/ccaas/reading.lua",
      ["ccaas.request"] = "lua/ccaas/request.lua",
      ["ccaas.result"] = "lua/ccaas/result.lua",
      ["ccaas.sandbox"] = "lua/ccaas/sandbox.lua",
      ["ccaas.sandbox.app"] = "lua/ccaas/sandbox/app.lua",
      ["ccaas.sandbox.check"] = "lua/ccaas/sandbox/check.lua",
      ["ccaas.sandbox.documents"] = "lua/ccaas/sandbox/documents.lua",
      ["ccaas.sandbox.faults"] = "lua/ccaas/sandbox/faults.lua",
      ["ccaas.sandbox.http"] = "lua/ccaas/sandbox/http.lua",
      ["ccaas.sandbox.json"] = "lua/ccaas/sandbox/json.lua",
      ["ccaas.sandbox.metrics"] = "lua/ccaas/sandbox/metrics.lua",
      ["ccaas.sandbox.names"] = "lua/ccaas/sandbox/names.lua",
      ["ccaas.sandbox.rows"] = "lua/ccaas/sandbox/rows.lua",
      ["ccaas.sandbox.source"] = "lua/ccaas/sandbox/source.lua",
      ["ccaas.sandbox.time"] = "lua/ccaas/sandbox/time.lua",
      ["ccaas.sandbox.values"] = "lua/ccaas/sandbox/values.lua",
      ["ccaas.sandbox.wire"] = "lua/ccaas/sandbox/wire.lua",
      ["ccaas.sandbox.world"] = "lua/ccaas/sandbox/world.lua",
      ["ccaas.sandbox.x8"] = "lua/ccaas/sandbox/x8.lua",
      ["ccaas.sandbox.x8_day"] = "lua/ccaas/sandbox/x8_day.lua",
      ["ccaas.sandbox.x8_oauth"] = "lua/ccaas/sandbox/x8_oauth.lua",
      ["ccaas.sandbox.x8_params"] = "lua/ccaas/sandbox/x8_params.lua",
      ["ccaas.sandbox.xima"] = "lua/ccaas/sandbox/xima.lua",
      ["ccaas.sandbox.xima_audio"] = "lua/ccaas/sandbox/xima_audio.lua",
      ["ccaas.sandbox.xima_day"] = "lua/ccaas/sandbox/xima_day.lua",
      ["ccaas.sandbox.xima_live"] = "lua/ccaas/sandbox/xima_live.lua",
      ["ccaas.sandbox.xima_metrics"] = "lua/ccaas/sandbox/xima_metrics.lua",
      ["ccaas.sandbox.xima_params"] = "lua/ccaas/sandbox/xima_params.lua",
      ["ccaas.sandbox.xima_people"] = "lua/ccaas/sandbox/xima_people.lua",
      ["ccaas.sandbox.xima_recordings"] = "lua/ccaas/sandbox/xima_recordings.lua",
      ["ccaas.sandbox.xima_reports"] = "lua/ccaas/sandbox/xima_reports.lua",
      ["ccaas.schema"] = "lua/ccaas/schema.lua",
      ["ccaas.store"] = "lua/ccaas/store.lua",
      ["ccaas.store.file"] = "lua/ccaas/store/file.lua",
      ["ccaas.store.shared_dict"] = "lua/ccaas/store/shared_dict.lua",
      ["ccaas.stream"] = "lua/ccaas/stream.lua",
      ["ccaas.text"] = "lua/ccaas/text.lua",
      ["ccaas.times"] = "lua/ccaas/times.lua",
      ["ccaas.uri"] = "lua/ccaas/uri.lua",
      ["ccaas.vendor"] = "lua/ccaas/vendor.lua",
      ["ccaas.vendor.8x8.description"] = "lua/ccaas/vendor/8x8/description.lua",
      ["ccaas.vendor.8x8.watch"] = "lua/ccaas/vendor/8x8/watch.lua",
      ["ccaas.vendor.list"] = "lua/ccaas/vendor/list.lua",
      ["ccaas.vendor.xima.agent_name"] = "lua/ccaas/vendor/xima/agent_name.lua",
      ["ccaas.vendor.xima.archive"] = "lua/ccaas/vendor/xima/archive.lua",
      ["ccaas.vendor.xima.audio"] = "lua/ccaas/vendor/xima/audio.lua",
      ["ccaas.vendor.xima.description"] = "lua/ccaas/vendor/xima/description.lua",
      ["ccaas.vendor.xima.report"] = "lua/ccaas/vendor/xima/report.lua",
      ["ccaas.vendor.xima.subscribe"] = "lua/ccaas/vendor/xima/subscribe.lua",
      ["ccaas.vendor.xima.values"] = "lua/ccaas/vendor/xima/values.lua",
      ["ccaas.usage_error"] = "lua/ccaas/usage_error.lua",
    },
  },
  copy_directories = {},
}
