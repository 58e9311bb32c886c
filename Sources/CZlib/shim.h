#ifndef CZLIB_SHIM_H
#define CZLIB_SHIM_H

#include <zlib.h>

/* `inflateInit2` is a macro, which Swift does not see. A negative window means raw deflate, as zip stores it. */
static inline int czlib_raw_inflate_init(z_stream *stream) { return inflateInit2(stream, -MAX_WBITS); }

/* A window of 16 more means the gzip format. */
static inline int czlib_gzip_inflate_init(z_stream *stream) { return inflateInit2(stream, MAX_WBITS + 16); }

/* The zlib format, with its header and checksum. */
static inline int czlib_zlib_inflate_init(z_stream *stream) { return inflateInit2(stream, MAX_WBITS); }

#endif
