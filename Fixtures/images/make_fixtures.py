"""Makes the images of the tests, and what Pillow, Keras and torchvision make of them.

Run in this folder with the packages of requirements.txt. Everything comes from fixed seeds.
"""

import io
import os
import struct
import zlib

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torchvision.transforms as transforms
from PIL import Image


def picture(width, height, seed):
    """Smooth colours with edges and some noise: something that every filter changes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    colours = [np.sin(x / (3 + c) + c) * np.cos(y / (5 - c)) for c in range(3)]
    image = 128 + 100 * np.stack(colours, -1)
    image[height // 3 : height // 2, width // 4 : width // 2] = (250, 5, 120)
    image += rng.normal(0, 12, image.shape)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


def make_images():
    """Every kind of file that is read."""
    wide = picture(61, 43, 1)
    tall = picture(40, 77, 2)
    small = picture(17, 19, 3)
    wide.save("rgb.png")
    tall.save("tall.png")
    small.save("small.png")
    wide.convert("L").save("grey.png")
    wide.convert("LA").save("grey_alpha.png")
    alpha = wide.convert("RGBA")
    alpha.putalpha(Image.fromarray(np.tile(np.arange(61, dtype=np.uint8) * 4, (43, 1))))
    alpha.save("rgba.png")
    wide.quantize(31).save("palette.png")
    wide.quantize(16).save("palette_transparent.png", transparency=3)
    wide.convert("1").save("bilevel.png")
    wide.quantize(4).save("palette2.png", bits=2)
    write_png("grey2.png", np.asarray(wide.convert("L")) >> 6, bits=2)
    write_png("grey4.png", np.asarray(wide.convert("L")) >> 4, bits=4)
    deep = np.asarray(wide).astype(np.uint16) * 257 - 99 * (np.asarray(wide) > 100)
    write_png("rgb16.png", deep, bits=16)
    write_png("interlaced.png", np.asarray(wide), bits=8, interlaced=True)
    wide.save("rgb.jpg", quality=90, subsampling=0)
    wide.save("subsampled.jpg", quality=75, subsampling=2)
    tall.save("progressive.jpg", quality=80, progressive=True)
    wide.convert("L").save("grey.jpg", quality=85)
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: stored as it is, and read as it is stored
    tall.save("turned.jpg", quality=90, exif=exif)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits, colour, rows, interlace=0, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
        + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


def packed(rows, bits):
    """Each row of samples as bytes, with the filter byte 0 before it."""
    result = b""
    for row in rows:
        row = row.reshape(-1)
        if bits == 16:
            data = row.astype(">u2").tobytes()
        elif bits == 8:
            data = row.astype(np.uint8).tobytes()
        else:
            ones = ((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(-1)
            data = np.packbits(ones.astype(np.uint8)).tobytes()
        result += b"\0" + data
    return result


def write_png(path, samples, bits, interlaced=False):
    """Pillow cannot write these kinds."""
    height, width = samples.shape[:2]
    colour = 2 if samples.ndim == 3 else 0
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        rows = b"".join(packed(samples[y::dy, x::dx], bits) for y, x, dy, dx in passes)
    else:
        rows = packed(samples, bits)
    with open(path, "wb") as file:
        file.write(png(width, height, bits, colour, rows, interlace=int(interlaced)))


def make_broken():
    """What must end in one line: each file is one attack or one thing that is not read."""
    os.makedirs("broken", exist_ok=True)
    good = open("small.png", "rb").read()
    photo = io.BytesIO()
    picture(17, 19, 3).save(photo, "JPEG", quality=70)
    photo = photo.getvalue()
    frame = photo.index(b"\xff\xc0")
    cmyk = io.BytesIO()
    picture(17, 19, 3).convert("CMYK").save(cmyk, "JPEG")
    row = b"\0" + b"\0" * 51
    files = {
        "truncated.png": good[: len(good) // 2],
        "without_end.png": good[:-12],
        "checksum.png": good[:-13] + bytes([good[-13] ^ 1]) + good[-12:],
        "no_pixels.png": png(0, 0, 8, 2, b""),
        "huge.png": png(1_000_000, 1_000_000, 8, 2, row),
        "many_pixels.png": png(16384, 16384, 8, 2, row),
        "cannot_hold.png": png(8000, 8000, 8, 2, row),
        "few_rows.png": png(17, 19, 8, 2, row),
        "no_palette.png": png(4, 1, 8, 3, b"\0" * 5),
        "bad_colour.png": png(4, 4, 8, 5, row),
        "grey16.png": png(4, 4, 16, 0, b"\0" * 36),
        "signature_only.png": good[:8],
        "truncated.jpg": photo[: len(photo) * 2 // 3],
        "marker_only.jpg": photo[:3],
        "cmyk.jpg": cmyk.getvalue(),
        "huge.jpg": photo[: frame + 5] + struct.pack(">HH", 65500, 65500) + photo[frame + 9 :],
        "cannot_hold.jpg": photo[: frame + 5] + struct.pack(">HH", 8000, 8000) + photo[frame + 9 :],
        "no_rows.jpg": photo[: frame + 5] + struct.pack(">HH", 0, 17) + photo[frame + 9 :],
        "twelve_bits.jpg": photo[: frame + 4] + b"\x0c" + photo[frame + 5 :],
        "damaged.jpg": damaged(photo),
        "many_scans.jpg": many_scans(),
        "text.jpg": b"this is no image\n",
    }
    for name, data in files.items():
        with open("broken/" + name, "wb") as file:
            file.write(data)


def damaged(photo):
    """A marker in the middle of the coded pixels."""
    start = photo.index(b"\xff\xda") + 20
    middle = (start + len(photo)) // 2
    return photo[:middle] + b"\xff\xd3" + photo[middle + 2 :]


def many_scans():
    """A valid progressive image of one block in 127 scans: each coefficient twice."""

    def segment(marker, data):
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    def scan(first, last, high, low):
        header = bytes([1, 1, 0, first, last, high << 4 | low])
        return segment(0xDA, header) + b"\x7f"  # the code 0, which says that there is nothing

    one_code = bytes([1] + [0] * 15 + [0])
    return (
        b"\xff\xd8" + segment(0xDB, bytes([0] + [1] * 64))
        + segment(0xC2, struct.pack(">BHHB", 8, 8, 8, 1) + bytes([1, 0x11, 0]))
        + segment(0xC4, bytes([0x00]) + one_code) + segment(0xC4, bytes([0x10]) + one_code)
        + scan(0, 0, 0, 0) + b"".join(scan(k, k, 0, 1) for k in range(1, 64))
        + b"".join(scan(k, k, 1, 0) for k in range(1, 64)) + b"\xff\xd9"
    )


# What the frameworks' own functions give, in sizes that keep the file small.
SIDE, CROP = 36, 32
FILTERS = {
    "nearest": transforms.InterpolationMode.NEAREST,
    "bilinear": transforms.InterpolationMode.BILINEAR,
    "bicubic": transforms.InterpolationMode.BICUBIC,
}
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def make_expected():
    decoded, resized, prepared = {}, {}, {}
    names = sorted(n for n in os.listdir(".") if n.endswith((".png", ".jpg")))
    for name in names:
        decoded[name] = np.asarray(Image.open(name).convert("RGB"))
    for name in ("rgb.png", "tall.png", "small.png", "subsampled.jpg"):
        image = Image.open(name).convert("RGB")
        for filter, mode in FILTERS.items():
            keras_image = keras.utils.load_img(name, target_size=(CROP, CROP), interpolation=filter)
            resized[f"stretch.{filter}.{name}"] = np.asarray(keras_image)
            fit = transforms.Compose([transforms.Resize(SIDE, mode), transforms.CenterCrop(CROP)])
            resized[f"shorterSide.{filter}.{name}"] = np.asarray(fit(image))
    for name in ("rgb.png", "tall.png"):
        image = keras.utils.load_img(name, target_size=(CROP, CROP))
        batch = np.expand_dims(keras.utils.img_to_array(image), 0)
        prepared[f"keras.{name}"] = keras.applications.resnet_v2.preprocess_input(batch.copy())
        prepared[f"keras-v1.{name}"] = keras.applications.resnet.preprocess_input(batch.copy())
        pipeline = transforms.Compose([
            transforms.Resize(SIDE), transforms.CenterCrop(CROP), transforms.ToTensor(),
            transforms.Normalize(MEAN, DEVIATION),
        ])
        tensor = pipeline(Image.open(name).convert("RGB"))
        prepared[f"torch.{name}"] = tensor.permute(1, 2, 0).unsqueeze(0).contiguous().numpy()
    np.savez_compressed("decoded.npz", **decoded)
    np.savez_compressed("resized.npz", **resized)
    np.savez_compressed("prepared.npz", **prepared)


if __name__ == "__main__":
    make_images()
    make_broken()
    make_expected()
