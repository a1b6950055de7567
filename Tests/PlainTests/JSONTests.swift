import Plain
import Testing

@Suite("JSON")
struct JSONTests {
  private func value(_ text: String, allowsNonFinite: Bool = false) throws(FormatFault) -> JSONValue
  {
    try JSONValue(json: text.utf8, subject: "it", allowsNonFinite: allowsNonFinite)
  }

  @Test("Every kind of value is read, with spaces between")
  func reads() throws {
    let text = #" {"a" : [1, -2.5e1, "x\u00e9\ud83d\ude00\n", true, false, null], "b": {} } "#
    #expect(
      try value(text)
        == .object([
          "a": .list([
            .integer(1), .number(-25), .text("xé😀\n"), .bool(true), .bool(false), .null,
          ]), "b": .object([:]),
        ]))
    #expect(try value("9223372036854775807") == .integer(.max))
    #expect(try value("9223372036854775808") == .number(0x1p63))
  }

  @Test("What is not finite is read where it is asked for only")
  func notFinite() throws {
    let read = try value("[NaN, Infinity, -Infinity]", allowsNonFinite: true).elements
    #expect(read?.map(\.number).first??.isNaN == true)
    #expect(read?.dropFirst().map(\.number) == [.infinity, -.infinity])
    #expect(throws: FormatFault.self) { try value("NaN") }
  }

  @Test("What is written is read as the same value")
  func writes() throws {
    let value = JSONValue.object([
      "b": .list([.integer(-3), .number(1.001e-5), .number(-.infinity), .bool(true), .null]),
      "a \"\\\u{1}é😀": .object([:]), "c": .list([]), "d": .number(1e300),
    ])
    #expect(try self.value(value.json, allowsNonFinite: true) == value)
    #expect(JSONValue.list([.text("x"), .number(0.5)]).json == #"["x",0.5]"#)
    #expect(JSONValue.number(.nan).json == "NaN")
  }

  static let broken: [(text: String, problem: String)] = [
    ("", "it ends early"), ("[1", "it lacks a ]"), ("{\"a\" 1}", "it lacks a :"),
    ("{\"a\": 1,}", "it lacks a \""), ("[1] 2", "it goes on after its end"),
    (#"{"a": 1, "a": 1}"#, "it has two entries named a"),
    ("{\"e\u{301}\": 1, \"\u{e9}\": 2}", "it has two entries named \u{e9}"),
    ("[01]", "it has no value where one belongs, or none of JSON"),
    ("[1.]", "it has no value where one belongs, or none of JSON"),
    ("[1e]", "it has no value where one belongs, or none of JSON"),
    ("[+1]", "it has no value where one belongs, or none of JSON"),
    ("[truefalse]", "it has no value where one belongs, or none of JSON"),
    ("1e999", "it has a number that is too large"),
    (#""\ud800""#, "it has half a character in a text"),
    (#""\ud800\u0041""#, "it has half a character in a text"),
    (#""\x""#, "it has an unknown escape in a text"),
    ("\"a\u{1}\"", "it has a control character in a text"), ("\"a", "it ends within a text"),
    (String(repeating: "[", count: 100_000), "it is nested too deeply"),
  ]

  @Test("Everything else is an error that says what is wrong and where", arguments: broken)
  func refuses(_ text: String, _ problem: String) {
    let fault = #expect(throws: FormatFault.self) { try value(text) }
    #expect(fault?.problem == problem && fault?.place.hasPrefix("byte ") == true)
  }

  @Test(
    "Text that is cut off or changed anywhere is read or refused, and never more",
    .timeLimit(.minutes(30)))
  func isTotal() throws {
    let good = Array(#"{"a":[1,-2.5e+3,"x\u00e9\ud83d\ude00",true,null,{"b":NaN}]}"#.utf8)
    _ = try JSONValue(json: good, allowsNonFinite: true)
    var read = 0
    for position in good.indices {
      #expect(throws: FormatFault.self) {
        try JSONValue(json: good[..<position], allowsNonFinite: true)
      }
      for byte in UInt8.min...UInt8.max {
        var changed = good
        changed[position] = byte
        if (try? JSONValue(json: changed, allowsNonFinite: true)) != nil { read += 1 }
      }
    }
    #expect(read > good.count)
  }

  @Test("What is passed over is null, and all else as it is", .timeLimit(.minutes(30)))
  func passesOver() throws {
    let text = #"{"a":1,"long":{"x":["]}",{"\\":"\""}],"y":2} , "b":[{"long":3}],"long2":"x"}"#
    let bytes = Array(text.utf8)
    let value = try JSONValue(json: bytes, passingOver: ["long", "long2"])
    #expect(
      value
        == .object([
          "a": .integer(1), "long": .null, "b": .list([.object(["long": .integer(3)])]),
          "long2": .null,
        ]))
    for position in bytes.indices {
      #expect(throws: FormatFault.self) {
        try JSONValue(json: bytes[..<position], passingOver: ["long", "long2"])
      }
      for byte in UInt8.min...UInt8.max {
        var changed = bytes
        changed[position] = byte
        _ = try? JSONValue(json: changed, passingOver: ["long", "long2"])
      }
    }
    for broken in [#"{"long":}"#, #"{"long":[}"#, #"{"long":]}"#, #"{"long":[[["#, #"{"long":"\"#] {
      #expect(throws: FormatFault.self) {
        try JSONValue(json: Array(broken.utf8), passingOver: ["long"])
      }
    }
  }
}
