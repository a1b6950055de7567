import Plain
import Safetensors
import Testing

@testable import RNW

@Suite("The decoder of records")
struct RecordDecoderTests {
  struct Numbers: Decodable, Equatable {
    var whole: Int?
    var seed: UInt64?
    var real: Double?
    var single: Float?
    var flag: Bool?
    var names: [String: String]?
    var list: [Double]?
  }

  @Test("Every kind of value is read")
  func reads() throws {
    let record = try Self.decode(
      #"""
      {"whole": -7, "seed": 18446744073709551615, "real": 1e-5, "single": -0, "flag": true,
       "names": {"a": "b", "é": "c"}, "list": [1, 2.5, "inf"], "later": [{"x": "y"}]}
      """#)
    #expect(
      record
        == Numbers(
          whole: -7, seed: .max, real: 1e-5, single: -0.0, flag: true,
          names: ["a": "b", "é": "c"], list: [1, 2.5, .infinity]))
    #expect(try Self.decode(#"{"real":"nan"}"#).real?.isNaN == true)
    #expect(try Self.decode("{}") == Numbers())
  }

  @Test(
    "A value of another kind is refused, with its place",
    arguments: [
      (#"{"whole":1.0}"#, "whole"), (#"{"whole":1e0}"#, "whole"), (#"{"whole":-0}"#, "whole"),
      (#"{"whole":"1"}"#, "whole"), (#"{"whole":true}"#, "whole"), (#"{"seed":-1}"#, "seed"),
      (#"{"whole":9223372036854775808}"#, "whole"), (#"{"seed":18446744073709551616}"#, "seed"),
      (#"{"real":"1"}"#, "real"), (#"{"real":true}"#, "real"), (#"{"single":1e39}"#, "single"),
      (#"{"flag":1}"#, "flag"), (#"{"flag":"true"}"#, "flag"), (#"{"names":[]}"#, "names"),
      (#"{"names":{"a":1}}"#, "names.a"), (#"{"list":{}}"#, "list"),
      (#"{"list":[1,[]]}"#, "list.1"),
    ])
  func refuses(_ json: String, _ place: String) throws {
    let error = #expect(throws: DecodingError.self) { try Self.decode(json) }
    guard case .dataCorrupted(let context) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(context.codingPath.map(\.stringValue).joined(separator: ".") == place)
  }

  private static func decode(_ text: String) throws -> Numbers {
    var json = JSONReader(Array(text.utf8), subject: "record")
    return try RecordDecoder.decode(from: try json.value())
  }
}
