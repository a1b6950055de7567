import Families
import Tensors
import TestSupport
import Testing
import WeightSources

@Suite("Rounding as numpy does it")
struct RoundingTableTests {
  @Test(
    "float16 and bfloat16 have the bits that numpy and ml_dtypes give",
    arguments: [DType.float16, .bfloat16])
  func sixteenBits(_ type: DType) throws {
    let table = try WeightFile.open(Fixture.path("rounding/rounding.npz"))
    let values = try table.tensor(named: "values").words(of: UInt32.self).map {
      Float(bitPattern: $0)
    }
    let expected = try table.tensor(named: type.name).words(of: UInt16.self)
    let infinity: UInt16 = type == .float16 ? 0x7C00 : 0x7F80
    #expect(values.count > 4000 && expected.count == values.count)
    for (value, bits) in zip(values, expected) {
      let tensor = TensorData(shape: [1], values: [value])
      if value.isFinite && bits & 0x7FFF == infinity {
        #expect(throws: RoundingError.self) {
          try tensor.rounded(to: type)
        }
      } else {
        #expect(try tensor.rounded(to: type).words(of: UInt16.self) == [bits], "\(value)")
      }
    }
  }

  @Test("int8 has the integers and scales that numpy gives, and widens to the same bits")
  func integers() throws {
    let table = try WeightFile.open(Fixture.path("rounding/rounding.npz"))
    let rounded = try table.tensor(named: "kernel").rounded(to: .int8)
    let integers = try table.tensor(named: "integers")
    #expect(rounded.words(of: Int8.self) == integers.words(of: Int8.self))
    #expect(rounded.channelScales == (try table.tensor(named: "scales").floats()))
    let widened = try table.tensor(named: "widened").floats()
    #expect(rounded.floats().map(\.bitPattern) == widened.map(\.bitPattern))
    // No value is farther off than half a step.
    let kernel = try table.tensor(named: "kernel").floats()
    for (index, value) in kernel.enumerated() {
      let step = try #require(rounded.channelScales)[index / 45]
      #expect(abs(Double(value) - Double(widened[index])) <= Double(step) * 0.500001)
    }
  }
}

extension TensorData {
  fileprivate func words<Word: FixedWidthInteger>(of type: Word.Type) -> [Word] {
    withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: MemoryLayout<Word>.size).map {
        Word(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: type))
      }
    }
  }
}
