# SPDX-License-Identifier: MIT
# What `cmake --install` puts below the prefix. The command, the recorder and the manual pages are installed by the
# folders that build them. Everything is found from its own place: the installed tree may be moved.
#
#   include/tarn/                   headers, tarn.hpp among them
#   lib/libtarn.a  libtarn.so.0     the library
#   lib/cmake/Tarn/                 find_package(Tarn): Tarn::tarn Tarn::static Tarn::shared Tarn::cxx Tarn::conform
#   lib/pkgconfig/                  tarn.pc, tarn-static.pc
#   share/tarn/conform/             the conformance suite: a header and a source to build into your own tests
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Tarn)
set(conform_dir ${CMAKE_INSTALL_DATADIR}/tarn/conform)

set_target_properties(tarn_static PROPERTIES EXPORT_NAME static)
set_target_properties(tarn_shared PROPERTIES EXPORT_NAME shared)
set_target_properties(tarn_cxx PROPERTIES EXPORT_NAME cxx)
install(TARGETS tarn_static tarn_shared tarn_cxx EXPORT TarnTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tarn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
file(GLOB conform ${PROJECT_SOURCE_DIR}/test/conform/tarn_conform.[ch])
install(FILES ${conform} DESTINATION ${conform_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(EXPORT TarnTargets NAMESPACE Tarn:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/TarnConfig.cmake.in ${PROJECT_BINARY_DIR}/TarnConfig.cmake
                              INSTALL_DESTINATION ${package_dir} PATH_VARS conform_dir)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/TarnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/TarnConfig.cmake ${PROJECT_BINARY_DIR}/TarnConfigVersion.cmake
        DESTINATION ${package_dir})

# From lib/pkgconfig up to the prefix, so that the .pc files need no absolute path.
file(RELATIVE_PATH TARN_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(TARN_PC_CFLAGS "")
if(TARN_CHECKED)
  set(TARN_PC_CFLAGS " -DTARN_CHECKED=1")
endif()
foreach(pc IN ITEMS tarn tarn-static)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${pc}.pc.in ${PROJECT_BINARY_DIR}/${pc}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
