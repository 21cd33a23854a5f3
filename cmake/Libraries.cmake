# SPDX-License-Identifier: Apache-2.0
# The outside libraries, all from Debian 12 (packages.txt). By default they are linked into the binary: an idle node
# then takes 2 MiB less than with thirteen shared objects. The C library stays shared: NVML is loaded by dlopen.

option(INFERSCOPE_STATIC "link outside libraries statically" ON)
if(INFERSCOPE_SANITIZE)
    set(INFERSCOPE_STATIC OFF)  # sanitizers want to see the shared C++ library
endif()

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(benchmark QUIET)  # without it there are no benches
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(ZLIB REQUIRED)

# These come without a CMake package.
function(inferscope_find_library name)
    string(TOUPPER ${name} variable)
    set(names ${name})
    if(INFERSCOPE_STATIC)
        set(names lib${name}.a ${name})
    endif()
    find_library(${variable}_LIBRARY NAMES ${names} REQUIRED)
    add_library(${name}::${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${name}::${name} PROPERTIES IMPORTED_LOCATION ${${variable}_LIBRARY})
endfunction()
inferscope_find_library(re2)
inferscope_find_library(crypt)
inferscope_find_library(snappy)

# Imported targets of this folder name their archive instead of their shared object, where there is one.
function(inferscope_prefer_archives)
    get_property(libraries DIRECTORY PROPERTY IMPORTED_TARGETS)
    foreach(library IN LISTS libraries)
        get_target_property(type ${library} TYPE)
        if(type STREQUAL "INTERFACE_LIBRARY" OR type STREQUAL "EXECUTABLE")
            continue()
        endif()
        get_target_property(configurations ${library} IMPORTED_CONFIGURATIONS)
        foreach(configuration IN LISTS configurations ITEMS "")
            string(REGEX REPLACE "^(.+)$" "_\\1" suffix "${configuration}")
            get_target_property(location ${library} IMPORTED_LOCATION${suffix})
            string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${location}")
            if(NOT archive STREQUAL location AND EXISTS "${archive}")
                set_target_properties(${library} PROPERTIES IMPORTED_LOCATION${suffix} "${archive}")
            endif()
        endforeach()
    endforeach()
endfunction()

if(INFERSCOPE_STATIC)
    inferscope_prefer_archives()
    add_link_options(-static-libstdc++ -static-libgcc)
    # Debian has no archive of fmt: its definitions are compiled here.
    add_library(inferscope_fmt STATIC ${CMAKE_CURRENT_LIST_DIR}/fmt.cpp)
    target_compile_options(inferscope_fmt PRIVATE -ffunction-sections -fdata-sections)
else()
    add_library(inferscope_fmt INTERFACE)
    target_link_libraries(inferscope_fmt INTERFACE fmt::fmt)
endif()
