use diesel::sql_types::Text;

#[diesel::declare_sql_function]
extern "SQL" {
    /// Where `part` begins in `text`, counted from 1; 0 when it is not in it. No character is special.
    fn instr(text: Text, part: Text) -> Integer;
}
