# SPDX-License-Identifier: Apache-2.0
# The one way in which every folder of src/ is built: a static library, its tests, its headers checked alone.

# inferscope_check_headers(NAME headers...): compiles those alone that no source of their name includes first; with the
# target `headers_alone`.
add_custom_target(headers_alone)
function(inferscope_check_headers name)
    set(checks)
    foreach(header ${ARGN})
        string(REGEX REPLACE "\\.h$" ".cpp" source ${header})
        if(NOT EXISTS ${source})
            file(RELATIVE_PATH place ${CMAKE_SOURCE_DIR}/src ${header})
            string(REPLACE "/" "_" check ${place})
            file(CONFIGURE OUTPUT headers_alone/${check}.cpp CONTENT "#include \"${place}\"\n" @ONLY)
            list(APPEND checks ${CMAKE_CURRENT_BINARY_DIR}/headers_alone/${check}.cpp)
        endif()
    endforeach()
    if(checks)
        add_library(${name}_headers OBJECT EXCLUDE_FROM_ALL ${checks})
        target_link_libraries(${name}_headers PRIVATE ${name} GTest::gmock GTest::gtest)
        add_dependencies(headers_alone ${name}_headers)
    endif()
endfunction()

add_library(inferscope_flags INTERFACE)
target_compile_options(inferscope_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wold-style-cast
    $<$<NOT:$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wshadow>
    $<$<BOOL:${INFERSCOPE_WERROR}>:-Werror>
    -ffunction-sections -fdata-sections)
target_link_options(inferscope_flags INTERFACE -fuse-ld=lld-19 -Wl,--gc-sections -Wl,--as-needed)
# Asio and Beast are compiled once, in src/net/asio.cpp.
target_compile_definitions(inferscope_flags INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION)
target_include_directories(inferscope_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(INFERSCOPE_SANITIZE)
    target_compile_options(inferscope_flags INTERFACE
        -fsanitize=${INFERSCOPE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    string(REPLACE ",fuzzer-no-link" "" link_sanitize "${INFERSCOPE_SANITIZE}")
    target_link_options(inferscope_flags INTERFACE -fsanitize=${link_sanitize})
endif()

# Test programs aren't optimised, what they test is: that halves the time of compiling them.
set(INFERSCOPE_TEST_FLAGS -O0)

# The preset asan compiles the folders' sources by eight, which takes a third of the time: names of their own must differ
# within a folder.

# Headers that nearly every file includes, compiled once for the folders and once for their tests: a quarter of a build's
# time. The presets without it (tsan, fuzz) show that each file includes what it uses.
option(INFERSCOPE_PCH "precompile common headers" ON)
if(INFERSCOPE_PCH)
    set(common_headers <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <span> <string> <string_view>
        <utility> <variant> <vector> <fmt/format.h>)
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
    file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
    add_library(inferscope_headers OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(inferscope_headers PRIVATE inferscope_flags)
    target_precompile_headers(inferscope_headers PRIVATE ${common_headers})
    add_library(inferscope_test_headers OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(inferscope_test_headers PRIVATE inferscope_flags GTest::gmock GTest::gtest)
    target_compile_options(inferscope_test_headers PRIVATE ${INFERSCOPE_TEST_FLAGS})
    target_precompile_headers(inferscope_test_headers PRIVATE ${common_headers} <gmock/gmock.h> <gtest/gtest.h>)
endif()

# inferscope_precompile(TARGET FROM): TARGET uses the precompiled headers of FROM, where there are any.
function(inferscope_precompile target from)
    if(INFERSCOPE_PCH)
        target_precompile_headers(${target} REUSE_FROM ${from})
    endif()
endfunction()

# All unit tests, for the presets with sanitizers; all fuzz targets.
add_custom_target(unit_tests)
add_custom_target(fuzzers)

# inferscope_folder(NAME [HOT] [TEST_PARTS number] [LINKS target...] [EXCEPT source...])
# Library `NAME` from the folder's *.cpp, test `NAME_test` from its *_test.cpp (the folder's subfolders
# included). LINKS: the folders of earlier levels and the outside libraries that it uses. HOT: its tests take long, so
# that it is optimised under sanitizers, too, where the rest isn't, which halves the time of compiling. TEST_PARTS:
# so many processes share its tests. EXCEPT: sources of an executable.
function(inferscope_folder name)
    cmake_parse_arguments(ARG "HOT" "TEST_PARTS" "LINKS;EXCEPT" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS *.h)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
    list(REMOVE_ITEM sources ${ARG_EXCEPT})

    if(sources)
        add_library(${name} STATIC ${sources})
        if(INFERSCOPE_SANITIZE AND ARG_HOT)
            target_compile_options(${name} PRIVATE -O1)
        endif()
        if(NOT CMAKE_UNITY_BUILD)
            inferscope_precompile(${name} inferscope_headers)
        endif()
        set(scope PUBLIC)
    else()
        add_library(${name} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_link_libraries(${name} ${scope} inferscope_flags ${ARG_LINKS})
    inferscope_check_headers(${name} ${headers})

    if(tests)
        add_executable(${name}_test ${tests})
        target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock GTest::gtest GTest::gtest_main)
        target_compile_options(${name}_test PRIVATE ${INFERSCOPE_TEST_FLAGS})
        inferscope_precompile(${name}_test inferscope_test_headers)
        set_target_properties(${name}_test PROPERTIES UNITY_BUILD OFF)  # their helpers' names needn't differ
        target_compile_definitions(${name}_test PRIVATE INFERSCOPE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        set(parts 1)
        if(ARG_TEST_PARTS)
            set(parts ${ARG_TEST_PARTS})
        endif()
        foreach(part RANGE 1 ${parts})
            math(EXPR index "${part} - 1")
            set(test ${name})
            if(parts GREATER 1)
                set(test ${name}_${part})
            endif()
            add_test(NAME ${test} COMMAND ${name}_test --gtest_brief=1)
            set_tests_properties(${test} PROPERTIES
                LABELS unit ENVIRONMENT "GTEST_TOTAL_SHARDS=${parts};GTEST_SHARD_INDEX=${index}")
            if(ARG_HOT)
                set_tests_properties(${test} PROPERTIES COST 1000)  # begins first
            endif()
        endforeach()
        add_dependencies(unit_tests ${name}_test)
    endif()
endfunction()
