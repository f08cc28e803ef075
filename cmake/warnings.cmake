# What every target of the house is compiled with.
add_library(sessiond_options INTERFACE)
target_compile_definitions(sessiond_options INTERFACE _GNU_SOURCE)
target_compile_options(sessiond_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla
  -Wconversion -Wsign-conversion -Wdouble-promotion -Wnull-dereference -Wimplicit-fallthrough
  -fno-common -fstack-protector-strong -fvisibility=hidden)
target_link_options(sessiond_options INTERFACE -Wl,-z,relro,-z,now)

if(SESSIOND_STRICT)
  target_compile_options(sessiond_options INTERFACE -Werror)
endif()

if(SESSIOND_SANITIZE)
  target_compile_options(sessiond_options INTERFACE
    -fsanitize=${SESSIOND_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(sessiond_options INTERFACE -fsanitize=${SESSIOND_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(sessiond_options INTERFACE _FORTIFY_SOURCE=2)
endif()
