-- A release, cut in a repository of its own by tools/release, up to what is left to
-- do by hand; then that, but for the upload.  And what it refuses.
local helper = require "spec.support.helper"

local VERSION = "9.8.7"
local folder = helper.folder()
local tree, origin = folder .. "/tree", folder .. "/origin.git"
local url = "git+file://" .. origin

-- Runs a script in the repository; git knows nothing of this machine's settings.
local function run(script)
  return helper.run(([[
    cd %s && export HOME=%s GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null CMAKE_BUILD_PARALLEL_LEVEL=2 && set -e
    %s]]):format(helper.quote(tree), helper.quote(folder), script))
end

local function must(script)
  local status, output = run(script)
  assert.equal(0, status, output)
  return output
end

local CHANGELOG = "# Changes\n\n## [Unreleased]\n\n## [9.8.7] - 2026-11-30\n\n### Added\n\n- All.\n"

local function write(path, text)
  local file = assert(io.open(tree .. "/" .. path, "w"))
  file:write(text)
  file:close()
end

setup(function()
  assert.equal(0, (helper.run(("mkdir %s && cd %s && cp -r .ci *.rockspec .gitignore CMakeLists.txt src lua tools "
    .. "examples %s"):format(helper.quote(tree), helper.quote(helper.top), helper.quote(tree)))))
  write("CHANGELOG.md", CHANGELOG)
  must(([[
    git init -q -b main . && git config user.name Someone && git config user.email someone@example.org
    git add -A && git commit -q -m all && git init -q --bare %s && git push -q %s main
  ]]):format(origin, origin))
end)

describe("a release is refused, with one line that says what to do:", function()
  -- Gives what was said, without "release: "; nothing may have changed.
  local function refused(arguments, before, after)
    local state = must "git rev-parse HEAD && ls build 2>&1 || :"
    local status, output = run((before or ":") .. "\nsh tools/release " .. arguments)
    must(after or "git checkout -q main && git reset -q --hard && git clean -q -f")
    assert.equal(1, status, output)
    assert.equal(state, must "git rev-parse HEAD && ls build 2>&1 || :")
    return assert(output:match "^release: ([^\n]*)\n$", output)
  end

  local function says(expected, ...)
    assert.equal(expected, refused(...))
  end

  local given = VERSION .. " " .. url

  it("no version, or a wrong one", function()
    local said = "give the version as X.Y.Z, for example: sh tools/release 1.2.3 URL"
    for _, arguments in ipairs { "", "--here", "1.2", "v1.2.3 " .. url, "1.2.3-1 " .. url, "01.2.3 " .. url, url } do
      says(said, arguments)
    end
    says("too many arguments: sh tools/release [--here] VERSION URL", "1.2.3 " .. url .. " more")
  end)

  it("a version that is older than the present one", function()
    local said = refused("0.0.9 " .. url)
    assert.is_truthy(said:match "^0%.0%.9 is older than [%d.]+, which src/%S+%.h has: give a newer one$", said)
  end)

  it("a version that is released already", function()
    says("the tag v9.8.7 is there: give a version that is not released yet", given, "git tag v9.8.7",
      "git tag -d v9.8.7")
  end)

  it("no URL, a placeholder, one with a password, one that is no repository's", function()
    says("give the repository's URL after the version, as git+https://HOST/PATH", VERSION)
    for _, placeholder in ipairs { "git+https://placeholder.invalid/ccaas.git", "git+https://example.org/ccaas.git" } do
      says(placeholder .. " is a placeholder: give the URL of the real repository", VERSION .. " " .. placeholder)
    end
    says("the URL holds a password, and would be published with it", VERSION .. " git+https://me:pass@host/ccaas.git")
    says("the URL must begin with git+https://, git+ssh:// or git+file://", VERSION .. " https://host/ccaas.git")
    says("the URL has characters that no repository's has", VERSION .. [[ 'git+https://host/a"b.git']])
  end)

  it("a tree that is not clean", function()
    says("the tree is not clean: commit first (git status shows what)", given, "echo >>CMakeLists.txt")
    says("the tree is not clean: commit first (git status shows what)", given, "echo >new")
  end)

  it("no branch, nobody's name", function()
    says("no branch is checked out: check out the one to release", given, "git checkout -q --detach")
    says("git does not know who you are: set user.name and user.email", given,
      "git config user.name '' && unset GIT_AUTHOR_NAME GIT_COMMITTER_NAME",
      "git config user.name Someone")
  end)

  for name, case in pairs {
    ["is not dated"] = { "%- 2026%-11%-30", "", 'is not dated: head the part below [Unreleased] "## [9.8.7] - %d' },
    ["is of another version"] = { "9%.8%.7", "9.8.6",
      'is not dated: head the part below [Unreleased] "## [9.8.7] - %d' },
    ["has a date that is none"] = { "11%-30", "11-31", ": 2026-11-31 is no date" },
    ["has no part for what comes next"] = { "## %[Unreleased%]\n", "",
      ' must begin with an empty part "## [Unreleased]"' },
    ["has entries left"] = { "Unreleased%]\n", "Unreleased]\n\n- Something.\n",
      " has entries left in [Unreleased]: move them to 9.8.7" },
  } do
    it("a changelog that " .. name, function()
      write("CHANGELOG.md", (CHANGELOG:gsub(case[1], case[2])))
      local said = refused(given, "git commit -q -a -m changelog", "git reset -q --hard HEAD~1")
      assert.is_truthy(said:find(case[3]:gsub("%%d", ""), 1, true), said)
    end)
  end

  it("no root, or no debootstrap, for the bare chroots", function()
    must "mkdir -p ../bin && echo 'echo 1000' >../bin/id && chmod +x ../bin/id"
    says("bare chroots need root: run this as root, or with --here", given, "PATH=$PWD/../bin:$PATH")
    must "echo 'echo 0' >../bin/id"
    says("debootstrap is missing: apt-get install debootstrap, or run this with --here", given,
      "PATH=$PWD/../bin:/usr/bin:/bin")
  end)
end)

it("a release whose rock does not work changes nothing", function()
  local state = must "echo 'echo no compiler >&2; exit 1' >tools/build-rock && git commit -q -a -m broken && git log"
  local status, output = run(("sh tools/release --here %s %s"):format(VERSION, url))
  assert.equal(1, status, output)
  assert.is_truthy(output:find("\nno compiler\n", 1, true), output)
  assert.equal("release: the rock does not work on this machine (see above)\n", output:match "[^\n]*\n$")
  assert.equal(state, must "git log && git status --porcelain && ! ls build 2>/dev/null")
  must "git reset -q --hard HEAD~1"
end)

describe("a release", function()
  local said

  setup(function() said = must(("sh tools/release --here %s %s"):format(VERSION, url)) end)

  -- The rock was installed, ran the quickstart and was removed: by tools/try-rock.
  it("is tried, and says what is left to do by hand", function()
    local commit = must("git rev-parse --short HEAD"):match "%S+"
    assert.equal(([[
ccaas-9.8.7-1.src.rock: installed, tried and removed without a trace
made: build/release/ccaas-9.8.7-1.rockspec
made: build/release/ccaas-9.8.7-1.src.rock
To do by hand:
  git tag -a -m "ccaas 9.8.7" v9.8.7 %s
  git push file://%s HEAD v9.8.7
  luarocks upload build/release/ccaas-9.8.7-1.rockspec build/release/ccaas-9.8.7-1.src.rock
  as root: sh .ci/releases --rock build/release/ccaas-9.8.7-1.src.rock bookworm trixie
]]):format(commit, origin), said)
  end)

  it("is one commit that sets the version, and nothing else", function()
    assert.equal("release: 9.8.7\n", must "git log -1 --format=%s")
    local change = must "git show -U0 --format= | grep '^[-+][^-+]'"
    assert.is_truthy(change:match '^%-#define CCAAS_VERSION "[%d.]+"\n%+#define CCAAS_VERSION "9%.8%.7"\n$', change)
    assert.equal("", must "git status --porcelain && git tag")
  end)

  it("has the rockspec of the tree, for its version, URL and tag", function()
    local rockspec = helper.read(tree .. "/build/release/ccaas-9.8.7-1.rockspec")
    local source = ('source = {\n  url = "%s",\n  tag = "v9.8.7",\n}\n'):format(url)
    assert.is_truthy(rockspec:find(source, 1, true), rockspec)
    assert.equal(helper.read("ccaas-scm-1.rockspec"):gsub("source = %b{}\n", source):gsub("scm%-1", "9.8.7-1"),
      rockspec)
  end)

  it("gives the same rock from the URL once it is tagged and pushed", function()
    local by_hand = said:match "(  git tag[^\n]*\n  git push[^\n]*\n)"
    must(by_hand .. [[
      mkdir ../again && cd ../again && luarocks --lua-version 5.4 pack "$OLDPWD"/build/release/*.rockspec
      mkdir a b && unzip -q -d a *.rock && unzip -q -d b "$OLDPWD"/build/release/*.rock
      diff -r a b && test -e a/origin/CMakeLists.txt]])
  end)
end)
