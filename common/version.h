/*
 * The version of this software, and how versions of packages are compared.
 * Versions of packages are opaque text: equal means the same bytes. Nothing orders them yet; ranges come with target expressions.
 */
#ifndef OTA_COMMON_VERSION_H
#define OTA_COMMON_VERSION_H

#define OTA_SOFTWARE_VERSION "0.1.0"

#endif
