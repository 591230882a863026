use super::*;

#[track_caller]
fn check(expression: &str, expect: &str) {
    let text = match Calculator::call(Args { expression: expression.into() }) {
        Ok(output) => output.text,
        Err(Error::InvalidArguments(text)) => format!("error: {text}"),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(text, expect, "{expression}");
}

#[track_caller]
fn refuses(expression: &str, words: &str) {
    match Calculator::call(Args { expression: expression.into() }) {
        Err(Error::InvalidArguments(text)) => assert!(text.contains(words), "{expression}: {text}"),
        other => panic!("{expression}: {other:?}"),
    }
}

#[test]
fn it_says_of_itself_what_it_does() {
    assert_eq!(magic_sdk::testing::problems::<Calculator>(), Vec::<String>::new());
}

#[test]
fn decimals_and_integers_are_exact() {
    check("0.1+0.2", "0.3");
    check("2^200", "1606938044258990275541962092341162602522202993782792835301376");
    check("12*7", "84");
    check("10/4", "2.5");
    check("1.10 - 1.1", "0");
    check("1e3 + 1.5E-3", "1000.0015");
    check("100!/98!", "9900");
    check("1/3*3", "1");
    check("-0.5", "-0.5");
    check(".5 + 5.", "5.5");
    check("1_000_000", "1000000");
    check("7", "7");
    check("1250 * (1 + 3.5/100)^2", "1339.03125");
}

#[test]
fn a_fraction_without_end_is_rounded_and_told_exactly() {
    check("1/3", "≈ 0.33333333333333333333 (exactly 1/3)");
    check("-2/3", "≈ -0.66666666666666666667 (exactly -2/3)");
    check("22/7", "≈ 3.1428571428571428571 (exactly 22/7)");
}

#[test]
fn operators_bind_as_in_school() {
    check("2+3*4", "14");
    check("(2+3)*4", "20");
    check("-2^2", "-4");
    check("(-2)^2", "4");
    check("2^3^2", "512");
    check("2**-2", "0.25");
    check("2*-3", "-6");
    check("--3", "3");
    check("10-4-3", "3");
    check("100/10/2", "5");
    check("-3!", "-6");
    check("2^3!", "64");
    check("7 % 3", "1");
    check("-7 % 3", "2");
    check("7 mod 3", "1");
    check("7.5 % 2", "1.5");
    check("3!*2", "12");
}

#[test]
fn what_models_write_is_read() {
    check("3 x 4", "12");
    check("3x4", "12");
    check("3 × 4 ÷ 6", "2");
    check("5 − 3", "2");
    check("2·3", "6");
    check("√16 + √(9)", "7");
    check("15% * 200", "30");
    check("200 * 15%", "30");
    check("15% x 200", "30");
    check("(50%)", "0.5");
    check("2 + 2 =", "4");
    check("2+2=?", "4");
    check("math.sqrt(16)", "4");
    check("Max(1, 5, 3)", "5");
    check("  12 \n * 3 ", "36");
}

#[test]
fn commas_group_thousands_only_where_that_is_sure() {
    check("1,234 + 1", "1235");
    check("12,345,678.90", "12345678.9");
    check("max((1,234), 5)", "1234");
    check("gcd(12,180)", "12");
    check("max(1,234)", "234");
    refuses("sum(1,234, 5)", "part two arguments or group thousands");
    refuses("1,23", "decimals take a point");
    refuses("1234,567", "decimals take a point");
    refuses("3,5 + 1", "decimals take a point");
}

#[test]
fn functions_are_exact_where_they_can_be() {
    check("sqrt(16)", "4");
    check("sqrt(0.25)", "0.5");
    check("sqrt(2)", "≈ 1.4142135623730950488");
    check("sqrt(2)^2", "≈ 2");
    check("floor(sqrt(2)^2)", "2");
    check("cbrt(-27)", "-3");
    check("27^(1/3)", "3");
    check("8^(2/3)", "4");
    check("abs(-3.5)", "3.5");
    check("floor(-2.5) + ceil(2.1)", "0");
    check("round(2.5) + round(-2.5)", "0");
    check("round(3.14159, 2)", "3.14");
    check("round(1234, -2)", "1200");
    check("round(2/3, 4)", "0.6667");
    check("round(pi, 4)", "3.1416");
    check("min(3, 1/2, 2) + max(1, 2)", "2.5");
    check("sum(1, 2, 3) + mean(1, 2, 3, 4)", "8.5");
    check("ln(1)", "0");
    check("ln(e)", "≈ 1");
    check("log10(1000)", "3");
    check("log10(0.001)", "-3");
    check("log2(8)", "3");
    check("log(81, 3)", "4");
    check("log2(10)", "≈ 3.3219280948873623479");
    check("exp(0)", "1");
    check("exp(1) - e", "≈ 0");
    check("sin(0) + cos(0)", "1");
    check("sin(pi)", "0");
    check("sin(pi/6)", "≈ 0.5");
    check("tan(pi/4)", "≈ 1");
    check("asin(1)*2", "≈ 3.1415926535897932385");
    check("acos(1)", "0");
    check("atan(1)*4", "≈ 3.1415926535897932385");
    check("degrees(pi)", "≈ 180");
    check("cos(radians(60))", "≈ 0.5");
    check("gcd(84, 36) + lcm(4, 6)", "24");
    check("mod(17, 5) + pow(2, 10)", "1026");
    check("e^2", "≈ 7.3890560989306502272");
    check("(-8)^3", "-512");
    check("0^0", "1");
}

#[test]
fn large_numbers_are_shown_short() {
    check("1000!", "≈ 4.0238726007709377354e2567 (2568 digits)");
    check("1.5^-300", "≈ 1.4880663064957112514e-53");
    check("1e-10", "0.0000000001");
}

#[test]
fn what_would_not_end_is_refused_at_once() {
    refuses("9^9^9^9", "too large");
    refuses("10^100000", "too large");
    refuses("1e999999", "too large");
    refuses("99999!", "whole number from 0 to 3000");
    refuses("3000!^100", "too large");
    refuses("exp(1e9)", "too large");
    refuses("2^1e9", "too large");
    refuses("1.0000001^99999999", "too large");
    refuses(&"(".repeat(500), "nested deeper");
    refuses(&format!("{}1", "-".repeat(500)), "nested deeper");
    refuses(&"1+".repeat(1500), "more than 2000 characters");
    refuses(&format!("2{}", "^2".repeat(90)), "nested deeper");
    check(&format!("1{}", "+1".repeat(900)), "901");
}

#[test]
fn an_error_says_where_and_how_to_mend() {
    check("2 + * 3", "error: at character 5 (`* 3`): a number, a function or a parenthesis is missing before this");
    check("2 +", "error: at the end: the expression ends where a number is missing");
    check("(2 + 3", "error: at character 1 (`(2 + 3`): the parenthesis opened here is never closed");
    refuses("2 + 3)", "without its opening one");
    refuses("", "empty");
    refuses("1/0", "division by zero");
    refuses("5 % 0", "division by zero");
    refuses("2(3+4)", "put an operator");
    refuses("2pi", "put an operator");
    refuses("5 km", "units and words");
    refuses("foo(3)", "unknown name `foo`");
    refuses("y + 1", "unknown name `y`");
    refuses("sqrt 16", "put the argument of `sqrt` in parentheses");
    refuses("sqrt(-4)", "not a real number");
    refuses("(-8)^0.3", "not a real number");
    refuses("log(100)", "ln(x), log10(x) or log(x, base)");
    refuses("ln(0)", "greater than 0");
    refuses("asin(2)", "from -1 to 1");
    refuses("tan(pi/2)", "not defined");
    refuses("sqrt(1, 2)", "sqrt takes 1 argument; 2 given");
    refuses("gcd(1.5, 2)", "whole numbers");
    refuses("50% + 3", "percent or remainder");
    refuses("3!!", "parentheses");
    refuses("x = 3", "unknown name `x`");
    refuses("2 = 2", "equations");
    refuses("7 // 2", "floor(a / b)");
    refuses("$5", "currency");
    refuses("[1]", "round parentheses");
    refuses("1.2.3", "one decimal point");
    refuses("0^-1", "division by zero");
    refuses("2.5!", "whole number");
    refuses("max()", "missing before this");
    refuses("1; 2", "one expression a call");
}

#[test]
fn machines_get_the_number_alone() {
    let output = Calculator::call(Args { expression: "1/4".into() }).unwrap();
    assert_eq!(output.structured.unwrap(), r#"{"value":"0.25","exact":true,"fraction":"1/4"}"#);
}
