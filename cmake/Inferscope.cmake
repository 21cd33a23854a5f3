# SPDX-License-Identifier: Apache-2.0
# The one way in which every folder of src/ is built: a static library, its tests, its headers checked alone.

add_library(inferscope_flags INTERFACE)
target_compile_options(inferscope_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast
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

# All unit tests, for the presets with sanitizers; all fuzz targets.
add_custom_target(unit_tests)
add_custom_target(fuzzers)

# inferscope_folder(NAME [LINKS target...])
# Library `NAME` from the folder's *.cpp, test `NAME_test` from its *_test.cpp (the folder's subfolders
# included). LINKS: the folders of earlier levels and the outside libraries that it uses.
function(inferscope_folder name)
    cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS *.h)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")

    if(sources)
        add_library(${name} STATIC ${sources})
        set(scope PUBLIC)
    else()
        add_library(${name} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_link_libraries(${name} ${scope} inferscope_flags ${ARG_LINKS})
    target_sources(${name} ${scope} FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/src FILES ${headers})
    set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)

    if(tests)
        add_executable(${name}_test ${tests})
        target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock GTest::gtest GTest::gtest_main)
        target_compile_definitions(${name}_test PRIVATE INFERSCOPE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
        set_tests_properties(${name} PROPERTIES LABELS unit)
        add_dependencies(unit_tests ${name}_test)
    endif()
endfunction()
