#include <string.h>

#include "Workspace.h"

typedef ci_status reader(ci_workspace *, const uint8_t *, size_t, uint64_t, ci_header *,
                         ci_image *);

static bool starts_with(const uint8_t *file, size_t count, const char *bytes, size_t length) {
    return count >= length && memcmp(file, bytes, length) == 0;
}

// The formats that people try, by their first bytes, so that the message can name them.
static const char *foreign_format(const uint8_t *file, size_t count) {
    if (starts_with(file, count, "GIF8", 4)) return "GIF";
    if (starts_with(file, count, "BM", 2)) return "BMP";
    if (starts_with(file, count, "II*\0", 4) || starts_with(file, count, "MM\0*", 4)) return "TIFF";
    if (count >= 12 && memcmp(file, "RIFF", 4) == 0 && memcmp(file + 8, "WEBP", 4) == 0)
        return "WebP";
    if (count >= 12 && memcmp(file + 4, "ftyp", 4) == 0) return "HEIF, AVIF or a film";
    if (starts_with(file, count, "P1", 2) || starts_with(file, count, "P4", 2)) return "PBM";
    if (starts_with(file, count, "P7", 2)) return "PAM";
    return NULL;
}

static bool is_netpbm(const uint8_t *file, size_t count) {
    return count >= 3 && file[0] == 'P' && memchr("2356", file[1], 4) &&
           memchr(" \t\n\v\f\r#", file[2], 7);
}

static reader *reader_of(const uint8_t *file, size_t count) {
    if (starts_with(file, count, "\xff\xd8\xff", 3)) return ci_jpeg_read;
    if (starts_with(file, count, "\x89PNG\r\n\x1a\n", 8)) return ci_png_read;
    if (is_netpbm(file, count)) return ci_netpbm_read;
    return NULL;
}

static ci_status read_file(ci_workspace *workspace, const uint8_t *file, size_t count,
                           uint64_t maximum_pixels, ci_header *header, ci_image *out) {
    if (count == 0) return ci_fail(workspace, CI_NOT_AN_IMAGE, "is empty");
    reader *read = reader_of(file, count);
    if (read) return read(workspace, file, count, maximum_pixels, header, out);
    const char *format = foreign_format(file, count);
    if (format) {
        return ci_fail(workspace, CI_UNSUPPORTED,
                       "is %s, which cannot be read; convert it to PNG, JPEG or PPM", format);
    }
    return ci_fail(workspace, CI_NOT_AN_IMAGE, "is no image: neither JPEG, PNG, PPM nor PGM");
}

ci_status ci_probe(ci_workspace *workspace, const uint8_t *file, size_t count, ci_header *out) {
    return read_file(workspace, file, count, UINT64_MAX, out, NULL);
}

ci_status ci_decode(ci_workspace *workspace, const uint8_t *file, size_t count,
                    uint64_t maximum_pixels, ci_image *out) {
    ci_header header;
    return read_file(workspace, file, count, maximum_pixels, &header, out);
}
