import Files
import TestSupport
import Testing

@testable import Tensors

@Suite("Shape")
struct ShapeTests {
  @Test("Counts elements, and a scalar has one")
  func counts() {
    #expect(Shape([7, 7, 3, 64]).elementCount == 9408)
    #expect(Shape([]).elementCount == 1)
    #expect(Shape([4, 0, 2]).elementCount == 0)
  }

  @Test(
    "Refuses what no tensor has",
    arguments: [
      [-1], [1 << 40, 1 << 40], [0, 1 << 40, 1 << 40], Array(repeating: 1, count: 33),
      [Int.max, 2],
    ])
  func refuses(_ dimensions: [Int]) {
    #expect(Shape(validating: dimensions) == nil)
  }
}

@Suite("Half precision")
struct HalfPrecisionTests {
  @Test("Every binary16 becomes the value that the format says, and back")
  func halfRoundTrip() {
    for bits in UInt16.min...UInt16.max {
      let value = Float(halfBits: bits)
      let exponent = Int(bits >> 10 & 0x1F)
      let fraction = Double(bits & 0x3FF)
      if exponent == 31 {
        #expect(fraction == 0 ? value.isInfinite : value.isNaN)
        if fraction == 0 { #expect(value.halfBits == bits) }
        continue
      }
      let magnitude =
        exponent == 0
        ? fraction * 0x1p-24
        : (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
      #expect(Double(value) == (bits >> 15 == 1 ? -magnitude : magnitude))
      #expect(value.halfBits == bits)
    }
  }

  @Test("Rounding to binary16 goes to the nearest, ties to even")
  func halfRounding() {
    #expect(Float(65519.996).halfBits == 0x7BFF)
    #expect(Float(65520).halfBits == 0x7C00)
    #expect(Float(2049).halfBits == Float(2048).halfBits)
    #expect(Float(2051).halfBits == Float(2052).halfBits)
    #expect(Float(0x1p-25).halfBits == 0)
    #expect(Float(0x1.8p-25).halfBits == 1)
    #expect(Float.nan.halfBits & 0x7C00 == 0x7C00 && Float.nan.halfBits & 0x3FF != 0)
  }

  @Test("Rounding to bfloat16 is the nearest of its neighbours", arguments: 0..<200)
  func bfloatRounding(_ seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let value = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()) & 0xBFFF_FFFF)
    let rounded = Float(bfloat16Bits: value.bfloat16Bits)
    let below = Float(bfloat16Bits: UInt16(value.bitPattern >> 16))
    let above = Float(bfloat16Bits: UInt16(value.bitPattern >> 16) + 1)
    #expect(abs(rounded - value) <= min(abs(below - value), abs(above - value)))
  }
}

@Suite("Rounding")
struct RoundingTests {
  @Test("A value that would become infinite is an error that says which", arguments: [-1, 1])
  func overflow(_ sign: Float) {
    let half = TensorData(shape: [4], values: [1, .infinity, sign * 65520, 70000])
    #expect(throws: RoundingError(type: .float16, index: 2, value: sign * 65520)) {
      try half.rounded(to: .float16)
    }
    let largest = TensorData(shape: [2], values: [sign * 65519.996, .nan])
    #expect(throws: Never.self) { try largest.rounded(to: .float16) }
    let wide = TensorData(shape: [1], values: [sign * .greatestFiniteMagnitude])
    #expect(throws: RoundingError(type: .bfloat16, index: 0, value: wide.floats()[0])) {
      try wide.rounded(to: .bfloat16)
    }
  }

  @Test("int8 takes no value that is not finite", arguments: [Float.infinity, -.infinity])
  func notFinite(_ value: Float) {
    let tensor = TensorData(shape: [2, 2], values: [1, 2, 3, value])
    #expect(throws: RoundingError(type: .int8, index: 3, value: value)) {
      try tensor.rounded(to: .int8)
    }
    let nan = TensorData(shape: [1, 2], values: [1, .nan])
    #expect(throws: RoundingError.self) { try nan.rounded(to: .int8) }
  }

  @Test("Every type widens to the values it has, and rounding those changes nothing")
  func isIdempotent() throws {
    var generator = SplitMix64(seed: 4)
    let values = (0..<600).map { _ in generator.nextProbeValue() }
    let tensor = TensorData(shape: [6, 100], values: values)
    for type in [DType.float16, .bfloat16, .int8] {
      let rounded = try tensor.rounded(to: type)
      let widened = try rounded.rounded(to: .float32)
      #expect(widened.dtype == .float32 && widened.floats() == rounded.floats())
      #expect(try rounded.rounded(to: type).floats() == rounded.floats())
      #expect(try widened.rounded(to: type).floats() == rounded.floats())
    }
  }

  @Test("Channels of zeros, and of values next to nothing, are kept")
  func extremeChannels() throws {
    let tiny = Float.leastNonzeroMagnitude
    let tensor = TensorData(shape: [3, 2], values: [0, 0, tiny, -3 * tiny, 0, 7 * tiny])
    let rounded = try tensor.rounded(to: .int8)
    #expect(rounded.channelScales?[0] == 1)
    #expect(rounded.floats() == tensor.floats())
  }
}

@Suite("Tensor data")
struct TensorDataTests {
  @Test("Transposing kernels moves every element to its place, and back")
  func layouts() {
    for shape in [[3, 3, 20, 33], [1, 1, 64, 64], [7, 7, 3, 8], [1, 1, 1, 1]] {
      let values = (0..<shape.reduce(1, *)).map(Float.init)
      let hwio = TensorData(shape: Shape(shape), values: values)
      let oihw = hwio.outputChannelsFirst()
      #expect(oihw.shape.dimensions == [shape[3], shape[2], shape[0], shape[1]])
      let moved = oihw.floats()
      for output in 0..<shape[3] {
        for input in 0..<shape[2] {
          for y in 0..<shape[0] {
            for x in 0..<shape[1] {
              let from = ((y * shape[1] + x) * shape[2] + input) * shape[3] + output
              let to = ((output * shape[2] + input) * shape[0] + y) * shape[1] + x
              #expect(moved[to] == values[from])
            }
          }
        }
      }
      #expect(oihw.outputChannelsLast().floats() == values)
      #expect(oihw.outputChannelsLast().shape == hwio.shape)
    }
  }

  @Test("Every type is converted to float32 as its values")
  func conversions() {
    let eight = TensorData(
      dtype: .float64, shape: [2],
      bytes: [0, 0, 0, 0, 0, 0, 0xF0, 0x3F] + [UInt8](repeating: 0, count: 8))
    #expect(eight.floats() == [1, 0])
    #expect(TensorData(dtype: .int8, shape: [2], bytes: [0xFF, 5]).floats() == [-1, 5])
    #expect(TensorData(dtype: .uint16, shape: [1], bytes: [1, 2]).floats() == [513])
    #expect(TensorData(dtype: .bfloat16, shape: [1], bytes: [0x80, 0x3F]).floats() == [1])
  }

  @Test("A mapped tensor lies within its file or is refused")
  func mapping() throws {
    let folder = try TemporaryFolder()
    let file = try MappedFile(path: try folder.write([0, 0, 0x80, 0x3F, 0, 0, 0, 0x40], to: "two"))
    #expect(TensorData(dtype: .float32, shape: [2], file: file, offset: 0)?.floats() == [1, 2])
    #expect(TensorData(dtype: .float32, shape: [2], file: file, offset: 1) == nil)
    #expect(TensorData(dtype: .float32, shape: [Int.max / 4], file: file, offset: 0) == nil)
    #expect(TensorData(dtype: .float32, shape: [1], file: file, offset: -4) == nil)
  }

  @Test("The probe is the sequence that the documentation gives")
  func probe() {
    // From an independent implementation of SplitMix64, seed 1.
    var generator = SplitMix64(seed: 1)
    #expect(generator.next() == 0x910A_2DEC_8902_5CC1)
    #expect(generator.next() == 0xBEEB_8DA1_658E_EC67)
    var probe = SplitMix64(seed: 1)
    #expect(probe.nextProbeValue() == Float(0x910A2D) * 0x1p-23 - 1)
  }
}

@Suite("Files that are missing or no files")
struct MappedFileTests {
  @Test("A missing file and a folder are named")
  func unreadable() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: InputError.self) { try MappedFile(path: folder.file("none")) }
    #expect(missing?.kind == .unreadable)
    #expect(missing?.description == "\(folder.file("none")): no such file")
    let directory = #expect(throws: InputError.self) { try MappedFile(path: folder.path) }
    #expect(directory?.problem == "is a directory")
  }

  @Test("Names from files cannot steer a terminal")
  func escaping() {
    let error = InputError(.badData, path: "a\u{1B}[2Jb", "x", place: "\u{202E}y")
    #expect(error.description == "a\\u{1b}[2Jb: x (\\u{202e}y)")
  }
}
